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

    /// Processes to which it is the same read the same clock: the start of the machine, and whose idea of it (time_namespaces(7)).
    public static var identity: String {
        let start = TextFile.line("/proc/sys/kernel/random/boot_id") ?? ""
        var space = [UInt8](repeating: 0, count: 64)
        let length = unsafe readlink("/proc/self/ns/time", &space, space.count)
        return "\(start) \(String(decoding: space.prefix(max(0, length)), as: UTF8.self))"
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
