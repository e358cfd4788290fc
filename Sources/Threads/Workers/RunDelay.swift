// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How long a thread has been ready to run without having a CPU, as the kernel counts it (/proc/thread-self/schedstat).
///
/// A system call of about a microsecond: not for every hand-off.
public final class RunDelay {
    private let descriptor: Int32

    /// The calling thread's; nil where the kernel does not count it.
    public init?() {
        guard
            let opened = try? systemCall("open", { unsafe open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC) })
        else { return nil }
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// Nanoseconds since the thread started. No allocation.
    public var nanoseconds: UInt64 {
        // Sound: the buffer is used inside the call alone, within its count.
        // The line is `time on the CPU`, `time without`, `turns`.
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { bytes in
            let count = unsafe pread(descriptor, bytes.baseAddress, bytes.count, 0)
            var field = 0
            var value: UInt64 = 0
            for index in 0..<max(0, count) {
                let byte = unsafe bytes[index]
                if byte == UInt8(ascii: " ") { field += 1 }
                if field == 1, let digit = UInt8(exactly: Int(byte) - 48), digit < 10 {
                    value = value &* 10 &+ UInt64(digit)
                }
            }
            return value
        }
    }
}
