// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// One end of a connected stream socket; closed when the last reference goes. No call on it waits.
package final class SocketEnd: Sendable {
    /// What became of a call.
    package enum Transfer {
        /// At least one byte went through.
        case bytes(Int)
        /// The system has no room to send now, or nothing to receive.
        case wouldWait
        /// The other end was closed, or its process has ended.
        case peerIsGone
        /// The system refused it for another reason.
        case failed(SystemError)
    }

    package let descriptor: Int32

    /// Takes over an open descriptor.
    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Hands on as much of `bytes`, which are not empty, as the system takes now.
    package func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        transfer("send") { unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    /// Fills the front of `bytes`, which are not empty, with as much as is there.
    package func receive(_ bytes: UnsafeMutableRawBufferPointer) -> Transfer {
        transfer("recv") { unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0) }
    }

    private func transfer(_ name: StaticString, _ call: () -> Int) -> Transfer {
        while true {
            let count = call()
            if count > 0 { return .bytes(count) }
            if count == 0 { return .peerIsGone }
            if let end = Self.outcome(ofError: errno, name) { return end }
        }
    }

    /// What a call's errno means; nil when the call is to be made again.
    package static func outcome(ofError code: Int32, _ name: StaticString) -> Transfer? {
        switch code {
        case EINTR: nil
        case EAGAIN: .wouldWait
        case EPIPE, ECONNRESET: .peerIsGone
        default: .failed(SystemError(call: "\(name)", code: code))
        }
    }
}
