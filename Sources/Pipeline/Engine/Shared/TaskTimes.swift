// SPDX-License-Identifier: Apache-2.0

import Threads

/// When one task of one step was done, on the clock that all ranks share, in nanoseconds; and how long its rank was without a
/// CPU meanwhile.
///
///     ... sent | begin ... waits for its input ... received ... waits for room ... ready | works | end ... | sent ...
///     lostBefore|                       lostWaiting                                      |lostWorking|lostFinishing|
///
/// What is lost was lost to others: to programs outside of the run, ranks on the same CPU, a quota, the hypervisor, or
/// somebody who stopped the process. A rank that sleeps because it has nothing to do loses nothing.
public struct TaskTimes: BitwiseCopyable, Equatable, Sendable {
    /// The rank turned to it.
    public var begin: UInt64 = 0
    /// Its input was there.
    public var received: UInt64 = 0
    /// There was room for its output: the work began.
    public var ready: UInt64 = 0
    /// The work was done.
    public var end: UInt64 = 0
    /// Its output was about to be handed on, or, where it has none, the same as `end`.
    public var sent: UInt64 = 0

    /// Lost between `sent` of the rank's task before and `begin`: while it handed on. In a step's first task, since the rank
    /// came to the barrier before the step.
    public var lostBefore: UInt64 = 0
    /// Lost between `begin` and `ready`.
    public var lostWaiting: UInt64 = 0
    /// Lost between `ready` and `end`.
    public var lostWorking: UInt64 = 0
    /// Lost between `end` and `sent`.
    public var lostFinishing: UInt64 = 0

    /// How the wait for input went.
    public var inputWait = Waited.ready
    /// How the wait for room went.
    public var roomWait = Waited.ready

    /// All 0, and nothing waited for.
    public init() {}

    /// The same on another clock.
    func corrected(_ correct: ClockCorrection) -> TaskTimes {
        var times = self
        (times.begin, times.received, times.ready) = (correct(begin), correct(received), correct(ready))
        (times.end, times.sent) = (correct(end), correct(sent))
        return times
    }

    /// Seconds of work.
    public var work: Double { seconds(from: ready, to: end) }
    /// CPU time between `ready` and `end`.
    var cpu: UInt64 { end - ready - min(lostWorking, end - ready) }
    /// Seconds of work in which the rank had its CPU.
    public var onCPU: Double { Double(cpu) / 1e9 }
    /// Seconds of work in which it did not.
    public var displaced: Double { work - onCPU }
}

/// Seconds between two moments of the common clock; 0 when they are the other way round.
func seconds(from start: UInt64, to end: UInt64) -> Double { Double(end - min(start, end)) / 1e9 }
