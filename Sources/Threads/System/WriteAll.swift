// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Writes bytes to a descriptor, all of them or as many as the system takes before it refuses.
///
/// Waits for as long as the system has no room, on descriptors too that were set to report this instead.
package func writeAll(_ bytes: RawSpan, to descriptor: Int32) throws(SystemError) {
    // Sound: the view ends with the call that was given it, and `write` keeps nothing of it.
    try unsafe bytes.withUnsafeBytes { bytes throws(SystemError) in
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            let written = unsafe try writeOnce(UnsafeRawBufferPointer(rebasing: rest), to: descriptor)
            unsafe rest = rest.dropFirst(written)
        }
    }
}

/// Writes a text, as UTF-8.
package func writeAll(_ text: String, to descriptor: Int32) throws(SystemError) {
    // Sound: bytes have no gaps between them, which nobody may read.
    unsafe try writeAll(text.utf8.span.bytes, to: descriptor)
}

private func writeOnce(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) -> Int {
    do throws(SystemError) {
        return try systemCall("write") { unsafe write(descriptor, bytes.baseAddress, bytes.count) }
    } catch {
        if error.code != EAGAIN { throw error }
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        try systemCall("poll") { unsafe poll(&entry, 1, -1) }
        return 0
    }
}
