// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One clock for every rank: CLOCK_MONOTONIC reads the same in all threads and processes of a machine.
public enum Clock {
    /// Nanoseconds since an arbitrary moment before the process started. Tens of nanoseconds a call, no system call.
    public static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// CPU time of the calling thread, in nanoseconds. A system call, of about 0.2 microseconds.
    public static func threadCPU() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// Sleeps at least this long; a signal may end it early.
    public static func sleep(nanoseconds: UInt64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        unsafe nanosleep(&time, nil)
    }
}
