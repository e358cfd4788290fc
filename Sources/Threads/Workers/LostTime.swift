// SPDX-License-Identifier: Apache-2.0

/// How long a thread was without a CPU although it had something to do, interval by interval.
///
/// A thread that does not sleep has as much CPU time as time passes; what it falls short by, it lost: to others on its CPU, to
/// a quota, to the hypervisor (where the kernel takes stolen time off CPU time), or because it was stopped. A thread that may
/// have slept lost what the kernel says it was ready to run without running (`RunDelay`), and, in a process that says so
/// (`Suspensions`), what it was stopped for.
///
/// A look at the CPU time is a system call of about 0.2 microseconds; only where it falls short, and after a sleep, another one
/// of about 1. Intervals shorter than `noticeableNanoseconds` are not looked at, and what is shorter is taken for none: a switch to another
/// thread and back takes longer.
public struct LostTime {
    /// The least that counts.
    public static let noticeableNanoseconds: UInt64 = 5_000

    private let delay: RunDelay?
    /// The end of the interval before, and the thread's CPU time then.
    private var moment: UInt64 = 0
    private var cpu: UInt64 = 0
    /// What the kernel said when time was last found lost.
    private var delayBefore: UInt64 = 0

    /// Of the calling thread, whose intervals begin now.
    public init() {
        delay = RunDelay()
        restart(at: Clock.now())
    }

    /// Begins an interval, at a moment of the clock that the next one is given in too.
    public mutating func restart(at now: UInt64) {
        delayBefore = delay?.nanoseconds ?? 0
        _ = PolledWaits.take()
        (moment, cpu) = (now, Clock.threadCPU())
    }

    /// What the thread lost since the interval before, in nanoseconds.
    ///
    /// - Parameters:
    ///   - now: the moment of the call.
    ///   - mayHaveSlept: whether there is a wait in it that may have slept.
    @inline(__always)
    public mutating func lost(until now: UInt64, mayHaveSlept: Bool) -> UInt64 {
        if now &- moment < Self.noticeableNanoseconds { return 0 }
        return lost(until: now, cpu: Clock.threadCPU(), mayHaveSlept: mayHaveSlept)
    }

    /// The same for who knows the thread's CPU time.
    @inline(__always)
    public mutating func lost(until now: UInt64, cpu: UInt64, mayHaveSlept: Bool) -> UInt64 {
        let (passed, had) = (now &- moment, cpu &- self.cpu)
        let began = moment
        (moment, self.cpu) = (now, cpu)
        if passed < had + Self.noticeableNanoseconds { return 0 }
        return mayHaveSlept ? min(passed - had, ready(since: began)) : awake(passed - had)
    }

    /// Of time in which it did not sleep.
    @inline(never)
    private mutating func awake(_ missing: UInt64) -> UInt64 {
        // So that what the kernel counted meanwhile is not taken for a part of the next sleep.
        delayBefore = delay?.nanoseconds ?? 0
        _ = PolledWaits.take()
        return missing
    }

    /// What it was ready to run, or stopped, since a moment.
    @inline(never)
    private mutating func ready(since began: UInt64) -> UInt64 {
        let now = delay?.nanoseconds ?? 0
        defer { delayBefore = now }
        let continued = Suspensions.lastEnd
        let delayed = now &- min(now, delayBefore)
        return delayed &- min(delayed, PolledWaits.take()) &+ (continued > began ? continued - began : 0)
    }
}
