import SharedTensor
import Threads

/// Ranks are forked processes that exchange tensors through stream sockets: two copies and system calls for each hand-off,
/// where the rings of `ProcessTransport` need neither. All else (control block, results, processes) is that transport's.
public struct SocketTransport: RelinkedTransport {
    public enum Domain: Sendable {
        /// TCP over 127.0.0.1, with TCP_NODELAY.
        case tcp
        /// Unix stream sockets, from socketpair.
        case unix
    }

    private let domain: Domain
    public let base = ProcessTransport()

    public init(domain: Domain) { self.domain = domain }

    public var name: String {
        switch domain {
        case .tcp: TransportKind.sockets.rawValue
        case .unix: TransportKind.unix.rawValue
        }
    }

    public func linkMemory(_ edges: [Edge]) -> LinkMemory {
        LinkMemory(sharedBytes: 0, privateBytes: SocketLinks.bytes(edges))
    }

    public func connect(_ edges: [Edge]) throws(LinkError) -> any Links { try SocketLinks(edges, domain) }
}
