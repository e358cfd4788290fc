import SharedTensor
import Threads

/// Ranks are forked processes that exchange tensors through stream sockets: two copies and system calls for each hand-off,
/// where the rings of `ProcessTransport` need neither. All else (control block, results, processes) is that transport's.
public struct SocketTransport: Transport {
    public enum Domain: Sendable {
        /// TCP over 127.0.0.1, with TCP_NODELAY.
        case tcp
        /// Unix stream sockets, from socketpair.
        case unix
    }

    private let domain: Domain
    private let processes = ProcessTransport()

    public init(domain: Domain) { self.domain = domain }

    public var name: String {
        switch domain {
        case .tcp: TransportKind.sockets.rawValue
        case .unix: TransportKind.unix.rawValue
        }
    }

    public func sharedMemory(bytes: Int) throws(SegmentError) -> Segment { try processes.sharedMemory(bytes: bytes) }
    public func resultMemory(bytes: Int) throws(SegmentError) -> Segment { try processes.resultMemory(bytes: bytes) }

    public func connect(_ edges: [Edge]) throws(LinkError) -> any Links { try SocketLinks(edges, domain) }

    public func start<Value: Codable & Sendable, Failure: Error & Codable>(
        name: String, cpu: Int?, body: @escaping @Sendable (Pinning) throws(Failure) -> Value
    ) throws(StartError) -> any Worker<Value, Failure> {
        try processes.start(name: name, cpu: cpu, body: body)
    }
}
