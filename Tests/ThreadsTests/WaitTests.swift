import Testing
import Threads

/// Zeroed lines of memory for shared words, freed with the object.
@safe
final class Lines: @unchecked Sendable {
    let address: UnsafeMutableRawPointer
    init(_ count: Int) {
        unsafe address = .allocate(byteCount: 64 * count, alignment: 64)
        unsafe address.initializeMemory(as: UInt8.self, repeating: 0, count: 64 * count)
    }
    deinit { unsafe address.deallocate() }
    func word(_ line: Int) -> SharedWord { unsafe SharedWord(at: address + 64 * line) }
    func counter(_ line: Int) -> SharedCounter { unsafe SharedCounter(at: address + 64 * line) }
    func context(_ patience: Patience, timeoutSeconds: Double = 20) -> WaitContext {
        WaitContext(
            patience: patience, abort: AbortFlag(counter(0)), timeoutNanoseconds: UInt64(timeoutSeconds * 1e9))
    }
    /// Of one who sleeps at once, 20 ns at a time.
    func sleeper(timeoutNanoseconds: UInt64, _ suspension: SuspensionFlag? = nil) -> WaitContext {
        WaitContext(
            patience: Patience(spins: 0, sliceNanoseconds: 20), abort: AbortFlag(counter(0)),
            timeoutNanoseconds: timeoutNanoseconds, suspension: suspension)
    }
}

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

    @Test("the deadline ends a wait") func deadline() {
        let lines = Lines(2)
        do throws(WaitError) {
            try lines.word(1).wait(for: 1, lines.context(.sharedCPU, timeoutSeconds: 0.02))
            Issue.record("the wait ended without a value")
        } catch {
            guard case .timedOut(let nanoseconds) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(nanoseconds >= 20_000_000)
        }
    }

    @Test("each sleep is charged two slices at most, so that time in which the program was stopped is not waited for")
    func charge() throws {
        let lines = Lines(2)
        let context = lines.sleeper(timeoutNanoseconds: 100)
        var charge = WaitCharge(now: 1000)
        // Charged so far: 10; then two slices of the 5000 that passed; 25; and again two slices, to 115.
        #expect(try charge.slice(context, now: 1010) == 20)
        #expect(try charge.slice(context, now: 6010) == 20)
        #expect(try charge.slice(context, now: 6035) == 20)
        #expect(throws: WaitError.timedOut(afterNanoseconds: 115)) { try charge.slice(context, now: 9999) }
        withExtendedLifetime(lines) {}
    }

    @Test("what is left until the deadline is slept where that is less; a clock that went back charges nothing")
    func lastSlice() throws {
        let lines = Lines(2)
        let context = lines.sleeper(timeoutNanoseconds: 45)
        var charge = WaitCharge(now: 1000)
        #expect(try charge.slice(context, now: 1033) == 12)
        #expect(try charge.slice(context, now: 900) == 12)
        #expect(try charge.slice(context, now: 911) == 1)
        withExtendedLifetime(lines) {}
    }

    @Test("a wait is charged nothing while somebody of the run is stopped") func suspension() throws {
        let lines = Lines(3)
        let suspension = SuspensionFlag(lines.counter(1))
        let context = lines.sleeper(timeoutNanoseconds: 50, suspension)
        var charge = WaitCharge(now: 0)
        suspension.set(true)
        for look in 1...100 { #expect(try charge.slice(context, now: UInt64(20 * look)) == 20) }
        suspension.set(false)
        #expect(try charge.slice(context, now: 2033) == 17)
        #expect(throws: WaitError.timedOut(afterNanoseconds: 66)) { try charge.slice(context, now: 2066) }
        withExtendedLifetime(lines) {}
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
