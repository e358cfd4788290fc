// SPDX-License-Identifier: Apache-2.0

import Glibc
import SharedTensor
import Threads

/// What the operating system offers for bytes between processes.
enum WireKind: String, CaseIterable, Sendable {
    case unixSocket = "Unix socket"
    case tcp = "TCP"
    case pipe = "pipe"
}

/// A connection of two sides, made before they are forked.
struct Wire: Sendable {
    /// What one side reads from and writes to; the same descriptor, for a socket.
    struct Descriptors: Sendable {
        let read: Int32
        let write: Int32

        func close() {
            _ = Glibc.close(read)
            if write != read { _ = Glibc.close(write) }
        }
    }

    private let asking: Descriptors
    private let answering: Descriptors

    init(_ kind: WireKind) throws(SystemError) {
        switch kind {
        case .unixSocket:
            let ends = unsafe try pair("socketpair") { unsafe socketpair(AF_UNIX, streamType, 0, $0) }
            asking = Descriptors(read: ends[0], write: ends[0])
            answering = Descriptors(read: ends[1], write: ends[1])
        case .tcp:
            let ends = try loopbackConnection()
            asking = Descriptors(read: ends[0], write: ends[0])
            answering = Descriptors(read: ends[1], write: ends[1])
        case .pipe:
            let there = unsafe try pair("pipe") { unsafe pipe($0) }
            let back = unsafe try pair("pipe") { unsafe pipe($0) }
            asking = Descriptors(read: back[0], write: there[1])
            answering = Descriptors(read: there[0], write: back[1])
        }
    }

    /// This process's descriptors; those of forked sides stay open.
    func close() {
        asking.close()
        answering.close()
    }

    /// A forked side's own descriptors. The other side's are closed here, so that either side sees the other one's end.
    func keep(_ side: Side) -> Descriptors {
        (side == .asking ? answering : asking).close()
        return side == .asking ? asking : answering
    }
}

/// A forked side of a wire. A message is copied into the system from the sender's tensor, and out into the receiver's.
struct WireEnd: ExchangeEnd {
    private let descriptors: Wire.Descriptors
    private let content: TensorContent
    private let memory: Segment
    private let message: Tensor

    /// To be made in the side's own process.
    init(_ wire: Wire, _ side: Side, _ shape: Shape) {
        descriptors = wire.keep(side)
        content = TensorContent(shape)
        var layout = SegmentLayout()
        let region = layout.reserve(shape)
        memory = ownMemory(layout)
        message = memory.tensor(region, shape)
    }

    func send(_ number: Int) throws(SystemError) {
        content.write(number, to: message)
        try unsafe transfer("write") { unsafe write(descriptors.write, $0.baseAddress, $0.count) }
    }

    func receive(_ number: Int) throws(SystemError) {
        try unsafe transfer("read") { unsafe read(descriptors.read, $0.baseAddress, $0.count) }
        content.check(number, message)
    }

    /// Repeats a call that does a part of the message until all of it is done.
    private func transfer(
        _ name: String, _ call: (UnsafeMutableRawBufferPointer) -> Int
    ) throws(SystemError) {
        // Sound: the call gets what is left of the message, with its length, and keeps nothing.
        try unsafe message.withBytes { bytes in
            Result { () throws(SystemError) in
                var done = 0
                while done < bytes.count {
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
                    let count = try systemCall(name) { unsafe call(rest) }
                    if count == 0 { throw SystemError(call: "\(name): the other side has ended", code: EPIPE) }
                    done += count
                }
            }
        }.get()
    }
}

private let streamType = Int32(SOCK_STREAM.rawValue)

/// Two descriptors from a call that fills in both.
private func pair(
    _ name: String, _ call: (UnsafeMutablePointer<Int32>) -> Int32
) throws(SystemError) -> [Int32] {
    var ends: [Int32] = [-1, -1]
    try systemCall(name) { unsafe call(&ends) }
    return ends
}

/// Both ends of a TCP connection of this process with itself; nobody outside the machine can reach it.
private func loopbackConnection() throws(SystemError) -> [Int32] {
    let listener = try systemCall("socket") { socket(AF_INET, streamType, 0) }
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    try unsafe withSocketAddress(&address, "bind") { unsafe bind(listener, $0, $1.pointee) }
    try systemCall("listen") { listen(listener, 1) }
    try unsafe withSocketAddress(&address, "getsockname") { unsafe getsockname(listener, $0, $1) }
    let asking = try systemCall("socket") { socket(AF_INET, streamType, 0) }
    try unsafe withSocketAddress(&address, "connect") { unsafe connect(asking, $0, $1.pointee) }
    let answering = try systemCall("accept") { accept(listener, nil, nil) }
    for end in [asking, answering] {
        var on: Int32 = 1
        try systemCall("TCP_NODELAY") {
            unsafe setsockopt(end, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
    }
    return [asking, answering]
}

/// A system call that takes an address of any family and its length.
private func withSocketAddress(
    _ address: inout sockaddr_in, _ name: String,
    _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
) throws(SystemError) {
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    // Sound: every socket address starts like `sockaddr`, and the length says how long this one is.
    let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe call($0, &length) }
    }
    if result == -1 { throw .last(name) }
}
