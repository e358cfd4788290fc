// SPDX-License-Identifier: Apache-2.0

import CThreads

/// Waits for what cannot wake a thread: it looks again and again, and sleeps for a moment between two looks.
///
/// After each of these sleeps the kernel counts a few microseconds in which the thread was ready without running. While there was
/// nothing to find they kept it from nothing, and a long wait has thousands: `LostTime` leaves them out.
package enum PolledWaits {
    // Sound: one thread of the process waits so, that of its one rank; others find 0 and write nothing.
    nonisolated(unsafe) private static var idle: UInt64 = 0

    // Sound, too. Each run has another thread, which may well get the last one's pthread_t, but not its number.
    nonisolated(unsafe) private static var counter: (thread: Int32, delay: RunDelay?)?

    /// How long the calling thread was ready without running so far, in nanoseconds; 0 where the kernel does not count that.
    package static func delay() -> UInt64 {
        let thread = ppt_thread_number()
        if unsafe counter?.thread != thread { unsafe counter = (thread, RunDelay()) }
        return unsafe counter?.delay?.nanoseconds ?? 0
    }

    /// Nanoseconds of that kind up to the last look that found nothing.
    package static func add(_ nanoseconds: UInt64) { unsafe idle &+= nanoseconds }

    /// All since this was asked last.
    static func take() -> UInt64 {
        let value = unsafe idle
        if value != 0 { unsafe idle = 0 }
        return value
    }
}
