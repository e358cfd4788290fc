// SPDX-License-Identifier: Apache-2.0

import Testing
import Threads

struct WaitTests {
    /// Sleeps so long that a lost wake-up would fail the test by its deadline.
    static let patiences = [
        Patience(spins: 0, sliceNanoseconds: 60_000_000_000), Patience(spins: 50, sliceNanoseconds: 60_000_000_000),
        .ownCPU, .sharedCPU,
    ]

    @Test("a value that is there needs no wait; one that comes while parked wakes the waiter", arguments: patiences)
    func wakes(patience: Patience) throws {
        let lines = Lines(2)
        lines.word(1).initialize(to: 7)
        #expect(try lines.word(1).wait(for: 7, lines.context(patience)) == .ready)
        let waiter = try PinnedThread<Bool, WaitError>(name: "waiter", cpu: nil) { _ throws(WaitError) in
            _ = try lines.word(1).wait(for: 8, lines.context(patience))
            return true
        }
        Clock.sleep(nanoseconds: 30_000_000)
        lines.word(1).publish(8)
        #expect(try waiter.join())
    }

    @Test("who sleeps for a value takes no CPU meanwhile") func sleeps() throws {
        let lines = Lines(2)
        let waiter = try PinnedThread<UInt64, WaitError>(name: "waiter", cpu: nil) { _ throws(WaitError) in
            let before = Clock.threadCPU()
            try lines.word(1).wait(for: 1, lines.context(.sharedCPU))
            return Clock.threadCPU() - before
        }
        Clock.sleep(nanoseconds: 400_000_000)
        lines.word(1).publish(1)
        #expect(try waiter.join() < 100_000_000)
    }

    @Test("who sleeps for a value looks for it once a slice, not all the time") func slicesAreSlept() throws {
        let lines = Lines(3)
        let slice: UInt64 = 2_000_000
        let context = WaitContext(
            patience: Patience(spins: 0, sliceNanoseconds: slice), abort: AbortFlag(lines.counter(0)),
            timeoutNanoseconds: 1_000_000_000_000, clock: WaitClock(lines.counter(2), nanosecondsALook: 1))
        let start = Clock.now()
        let waiter = try PinnedThread<Bool, WaitError>(name: "waiter", cpu: nil) { _ throws(WaitError) in
            try lines.word(1).wait(for: 1, context) == .parked
        }
        Clock.sleep(nanoseconds: 100_000_000)
        lines.word(1).publish(1)
        #expect(try waiter.join())
        #expect(lines.counter(2).value <= (Clock.now() - start) / slice + 2)
    }

    @Test("a value that comes while the waiter spins is told as spun for") func spins() throws {
        let lines = Lines(2)
        // So many that it does not come to sleep.
        let context = lines.context(Patience(spins: 2_000_000_000, sliceNanoseconds: 60_000_000_000))
        let waiter = try PinnedThread<Waited, WaitError>(name: "waiter", cpu: nil) { _ throws(WaitError) in
            try lines.word(1).wait(for: 1, context)
        }
        Clock.sleep(nanoseconds: 20_000_000)
        lines.word(1).publish(1)
        #expect(try waiter.join() == .spun)
    }

    @Test("two threads that hand a word to and fro lose no wake-up", arguments: patiences)
    func noLostWakeUp(patience: Patience) throws {
        let lines = Lines(3)
        let rounds: UInt32 = 3000
        let partner = try PinnedThread<Bool, WaitError>(name: "partner", cpu: nil) { _ throws(WaitError) in
            for round in 1...rounds {
                try lines.word(1).wait(for: round, lines.context(patience))
                lines.word(2).publish(round)
            }
            return true
        }
        for round in 1...rounds {
            lines.word(1).publish(round)
            try lines.word(2).wait(for: round, lines.context(patience))
        }
        #expect(try partner.join())
    }

    @Test("abort ends a wait and tells who raised it; the first to raise is remembered") func abort() throws {
        let lines = Lines(2)
        let waiter = try PinnedThread<WaitError?, Never>(name: "waiter", cpu: nil) { _ in
            do throws(WaitError) { try lines.word(1).wait(for: 1, lines.context(.sharedCPU)) } catch { return error }
            return nil
        }
        Clock.sleep(nanoseconds: 20_000_000)
        let flag = AbortFlag(lines.counter(0))
        #expect(flag.raisedBy == nil)
        flag.raise(by: 3)
        flag.raise(by: 5)
        #expect(try waiter.join() == .aborted(by: 3))
        #expect(flag.raisedBy == 3)
    }

    @Test("the supervisor's abort is told apart from rank 0's") func supervisorAborts() {
        for rank in [-1, 0, 1] {
            let lines = Lines(1)
            let flag = AbortFlag(lines.counter(0))
            flag.raise(by: rank)
            #expect(flag.raisedBy == rank)
            withExtendedLifetime(lines) {}
        }
    }

    @Test("the deadline ends a wait, at the first look at which it has passed") func deadline() {
        let lines = Lines(3)
        let context = lines.sleeper(timeoutNanoseconds: 35, clockLine: 2, nanosecondsALook: 10)
        #expect(throws: WaitError.timedOut(afterNanoseconds: 40)) { try lines.word(1).wait(for: 1, context) }
        #expect(lines.counter(2).value == 50, "the first look begins the wait")
        let exact = lines.sleeper(timeoutNanoseconds: 30, clockLine: 2, nanosecondsALook: 10)
        #expect(throws: WaitError.timedOut(afterNanoseconds: 30)) { try lines.word(1).wait(for: 1, exact) }
    }

    @Test("a wait by the system's clock lasts as long as its timeout") func systemClock() {
        let lines = Lines(2)
        defer { withExtendedLifetime(lines) {} }
        let start = Clock.now()
        #expect(throws: WaitError.self) {
            try lines.word(1).wait(for: 1, lines.context(.sharedCPU, timeoutSeconds: 0.002))
        }
        #expect(Clock.now() - start >= 2_000_000)
    }

    @Test("a value that is there is taken without a look at the clock, whatever the deadline") func readyAtOnce() throws
    {
        let lines = Lines(3)
        lines.word(1).initialize(to: 1)
        let context = lines.sleeper(timeoutNanoseconds: 0, clockLine: 2, nanosecondsALook: 10)
        #expect(try lines.word(1).wait(for: 1, context) == .ready)
        #expect(lines.counter(2).value == 0)
    }

    /// The slices of a wait, at these times by its clock.
    private func slices(_ context: WaitContext, _ clock: SharedCounter, at times: [UInt64]) throws(WaitError)
        -> [UInt64]
    {
        var charge = WaitCharge()
        var slices: [UInt64] = []
        for time in times {
            clock.store(time)
            slices.append(try charge.slice(context))
        }
        return slices
    }

    @Test("each sleep is charged two slices at most, so that time in which the program was stopped is not waited for")
    func charge() throws {
        let lines = Lines(2)
        defer { withExtendedLifetime(lines) {} }
        let context = lines.sleeper(timeoutNanoseconds: 100, clockLine: 1)
        // Charged so far: nothing; 10; then two slices of the 5000 that passed; 25; and again two slices, to 115.
        #expect(try slices(context, lines.counter(1), at: [1000, 1010, 6010, 6035]) == [20, 20, 20, 20])
        #expect(throws: WaitError.timedOut(afterNanoseconds: 115)) {
            try slices(context, lines.counter(1), at: [1000, 1010, 6010, 6035, 9999])
        }
    }

    @Test("what is left until the deadline is slept where that is less; a clock that went back charges nothing")
    func lastSlice() throws {
        let lines = Lines(2)
        defer { withExtendedLifetime(lines) {} }
        let context = lines.sleeper(timeoutNanoseconds: 45, clockLine: 1)
        #expect(try slices(context, lines.counter(1), at: [1000, 1033, 900, 911]) == [20, 12, 12, 1])
    }

    @Test("a wait is charged nothing while somebody of the run is stopped") func suspension() throws {
        let lines = Lines(3)
        defer { withExtendedLifetime(lines) {} }
        let suspension = SuspensionFlag(lines.counter(1))
        let context = lines.sleeper(timeoutNanoseconds: 50, clockLine: 2, suspension)
        let clock = lines.counter(2)
        var charge = WaitCharge()
        func slice(at time: UInt64) throws(WaitError) -> UInt64 {
            clock.store(time)
            return try charge.slice(context)
        }
        suspension.set(true)
        for look in 0...100 { #expect(try slice(at: UInt64(20 * look)) == 20) }
        suspension.set(false)
        #expect(try slice(at: 2033) == 17)
        #expect(throws: WaitError.timedOut(afterNanoseconds: 66)) { try slice(at: 2066) }
    }

    @Test("a barrier lets nobody through before all have arrived", arguments: 1...4) func barrier(parties: Int) throws {
        let lines = Lines(5)
        let rounds = 200
        let threads = try (0..<parties).map { _ in
            try PinnedThread<Int, WaitError>(name: "party", cpu: nil) { _ throws(WaitError) in
                var barrier = unsafe Barrier(at: lines.address + 64, parties: parties)
                var early = 0
                for round in 1...rounds {
                    _ = lines.counter(3).increment()
                    try barrier.arrive(lines.context(.sharedCPU))
                    if lines.counter(3).value < UInt64(round * parties) { early += 1 }
                    try barrier.arrive(lines.context(.sharedCPU))
                }
                return early
            }
        }
        for thread in threads { #expect(try thread.join() == 0) }
        #expect(lines.counter(3).value == UInt64(rounds * parties))
    }
}
