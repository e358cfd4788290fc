// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// A connection for one edge: bytes go from `sending` to `receiving`, and never the other way.
package struct SocketPair {
    package let sending: SocketEnd
    package let receiving: SocketEnd

    /// Makes both ends such that no call waits, and closed to programs that are executed.
    fileprivate init(_ sending: SocketEnd, _ receiving: SocketEnd) throws(SystemError) {
        for end in [sending, receiving] {
            try systemCall("fcntl") { fcntl(end.descriptor, F_SETFL, O_NONBLOCK) }
            try systemCall("fcntl") { fcntl(end.descriptor, F_SETFD, FD_CLOEXEC) }
        }
        self.sending = sending
        self.receiving = receiving
    }
}

extension SocketTransport.Domain {
    /// Connected pairs. Nothing listens any more when it returns.
    package func pairs(_ count: Int) throws(SystemError) -> [SocketPair] {
        let listener = self == .tcp ? try LoopbackListener() : nil
        var pairs: [SocketPair] = []
        for _ in 0..<count {
            if let listener { pairs.append(try listener.pair()) } else { pairs.append(try unixPair()) }
        }
        return pairs
    }

    private func unixPair() throws(SystemError) -> SocketPair {
        var ends: [Int32] = [-1, -1]
        try systemCall("socketpair") { unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) }
        return try SocketPair(SocketEnd(ends[0]), SocketEnd(ends[1]))
    }
}

/// Listens on 127.0.0.1, on a port that the system chose, for as long as it lives.
private struct LoopbackListener {
    private let end: SocketEnd
    private let address: sockaddr_in

    init() throws(SystemError) {
        end = try Self.tcpSocket()
        var any = sockaddr_in()
        any.sin_family = sa_family_t(AF_INET)
        any.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        try systemCall("bind to 127.0.0.1") { [end] in
            unsafe any.asSystemAddress { unsafe bind(end.descriptor, $0, $1.pointee) }
        }
        try systemCall("listen") { [end] in listen(end.descriptor, 1) }
        address = try Self.localAddress(of: end)
    }

    /// Connects to itself. Others may connect too; they are recognized by their address, and closed.
    func pair() throws(SystemError) -> SocketPair {
        let sending = try Self.tcpSocket()
        var target = address
        try Self.connected(
            unsafe target.asSystemAddress { unsafe connect(sending.descriptor, $0, $1.pointee) } == 0 ? 0 : errno,
            sending)
        var on: Int32 = 1
        try systemCall("setsockopt TCP_NODELAY") {
            unsafe setsockopt(sending.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(4))
        }
        let own = try Self.localAddress(of: sending)
        while true {
            var peer = sockaddr_in()
            let accepted = unsafe peer.asSystemAddress { unsafe accept(end.descriptor, $0, $1) }
            if accepted == -1 {
                let code = errno
                // A stranger's connection that was given up again before it was accepted is nothing to us.
                if code == EINTR || code == ECONNABORTED { continue }
                throw SystemError(call: "accept", code: code)
            }
            let receiving = SocketEnd(accepted)
            if peer.sin_port == own.sin_port && peer.sin_addr.s_addr == own.sin_addr.s_addr {
                return try SocketPair(sending, receiving)
            }
        }
    }

    /// Waits for a connection that a signal interrupted: the system goes on with it, and must not be asked again.
    /// - Parameter code: of `connect`, 0 when it succeeded.
    private static func connected(_ code: Int32, _ end: SocketEnd) throws(SystemError) {
        if code == 0 { return }
        if code != EINTR { throw SystemError(call: "connect to 127.0.0.1", code: code) }
        var entry = pollfd(fd: end.descriptor, events: Int16(POLLOUT), revents: 0)
        try systemCall("poll") { unsafe poll(&entry, 1, -1) }
        var outcome: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        try systemCall("getsockopt SO_ERROR") {
            unsafe getsockopt(end.descriptor, SOL_SOCKET, SO_ERROR, &outcome, &length)
        }
        if outcome != 0 { throw SystemError(call: "connect to 127.0.0.1", code: outcome) }
    }

    private static func tcpSocket() throws(SystemError) -> SocketEnd {
        SocketEnd(try systemCall("socket") { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) })
    }

    private static func localAddress(of end: SocketEnd) throws(SystemError) -> sockaddr_in {
        var address = sockaddr_in()
        try systemCall("getsockname") {
            unsafe address.asSystemAddress { unsafe getsockname(end.descriptor, $0, $1) }
        }
        return address
    }
}

extension sockaddr_in {
    /// Calls `body` with the address, and its length, as the system's calls take them; valid for the call only.
    fileprivate mutating func asSystemAddress(
        _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> Int32 {
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Sound: a sockaddr is the common start of every family's address, which is what the calls read it as.
        return unsafe withUnsafeMutablePointer(to: &self) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, &length) }
        }
    }
}
