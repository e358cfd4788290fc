// SPDX-License-Identifier: Apache-2.0

/// Waits for what cannot wake a thread: it looks again and again, and sleeps for a moment between two looks.
///
/// After each of these sleeps the kernel counts a few microseconds in which the thread was ready without running. While there was
/// nothing to find they kept it from nothing, and a long wait has thousands: `LostTime` leaves them out.
package enum PolledWaits {
    // Sound: one thread of the process waits so, that of its one rank; others find 0 and write nothing.
    nonisolated(unsafe) private static var idle: UInt64 = 0

    /// Nanoseconds of that kind up to the last look that found nothing.
    package static func add(_ nanoseconds: UInt64) { unsafe idle &+= nanoseconds }

    /// All since this was asked last.
    static func take() -> UInt64 {
        let value = unsafe idle
        if value != 0 { unsafe idle = 0 }
        return value
    }
}
