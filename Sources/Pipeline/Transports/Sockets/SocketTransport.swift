// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

extension TransportKind {
    /// `SocketTransport` over TCP on 127.0.0.1.
    public static let sockets = TransportKind("sockets") { SocketTransport(domain: .tcp) }
    /// `SocketTransport` over Unix stream sockets.
    public static let unix = TransportKind("unix") { SocketTransport(domain: .unix) }
}

/// Ranks are forked processes that exchange tensors through stream sockets: two copies and system calls for each hand-off,
/// where the rings of `ProcessTransport` need neither. All else (control block, results, processes) is that transport's.
public struct SocketTransport: RelinkedTransport {
    /// Which sockets ranks are connected by.
    public enum Domain: Sendable {
        /// TCP over 127.0.0.1, with TCP_NODELAY.
        case tcp
        /// Unix stream sockets, from socketpair.
        case unix
    }

    private let domain: Domain
    public let base = ProcessTransport()

    /// For any number of runs; `connect` opens the sockets.
    public init(domain: Domain) { self.domain = domain }

    public var name: String {
        switch domain {
        case .tcp: TransportKind.sockets.rawValue
        case .unix: TransportKind.unix.rawValue
        }
    }

    public func slotMemory(_ edge: Edge) -> SlotMemory { SocketLinks.memory(of: edge) }

    public func connect(_ edges: [Edge]) throws(LinkError) -> any Links { try SocketLinks(edges, domain) }
}
