// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import Threads

/// Waits of several at once. Each sleeps for minutes unless it is woken.
struct SleeperTests {
    private static let patience = Sleepers<Waited>.patience

    /// Ends by itself after a minute, long after the test has given up.
    private static func context(_ lines: Lines, _ patience: Patience = Self.patience) -> WaitContext {
        lines.context(patience, timeoutSeconds: 60)
    }

    // MARK: Words

    @Test("one value wakes all who sleep on a word", arguments: [1, 3, 5]) func word(count: Int) throws {
        let lines = Lines(2)
        let sleepers = try Sleepers(count) { _ throws(WaitError) in
            try lines.word(1).wait(for: 8, Self.context(lines))
        }
        try sleepers.waitUntilAsleep()
        lines.word(1).publish(8)
        #expect(try sleepers.values() == Array(repeating: .parked, count: count))
    }

    @Test("who is woken by another value sleeps on, and is woken by the next") func otherValues() throws {
        let lines = Lines(4)
        let sleepers = try Sleepers(3) { index throws(WaitError) in
            let context = WaitContext(
                patience: Self.patience, abort: AbortFlag(lines.counter(0)), timeoutNanoseconds: 60_000_000_000,
                clock: WaitClock(lines.counter(2), nanosecondsALook: 1))
            let waited = try lines.word(1).wait(for: UInt32(index + 2), context)
            lines.counter(3).increment()
            return waited
        }
        // 1 is for nobody, and each other value for one of those who are left.
        for (value, left) in [(1, 3), (2, 3), (3, 2), (4, 1)] as [(UInt32, Int)] {
            try allAsleep(left, sleepers.name)
            lines.word(1).publish(value)
            for _ in 0..<20_000 where lines.counter(3).value < value - 1 { Clock.sleep(nanoseconds: 1_000_000) }
        }
        #expect(try sleepers.values() == [.parked, .parked, .parked])
        // Of 3 + 3 + 2 + 1 sleeps each comes after a look, and after one more where another waiter has told of its own.
        #expect(lines.counter(2).value <= 18, "\(lines.counter(2).value) looks")
    }

    @Test("one value wakes all processes that sleep on a word") func processes() throws {
        let lines = try SharedLines()
        let (word, context) = (lines.word, lines.context(Self.patience, timeoutNanoseconds: 60_000_000_000))
        // What a child needs is loaded by then: it has no other threads to finish that.
        #expect(throws: WaitError.self) { try word.wait(for: 9, lines.context(Self.patience, timeoutNanoseconds: 1)) }
        let children = (0..<3).map { _ in
            let child = fork()
            if child == 0 { _exit((try? word.wait(for: 2, context)) == .parked ? 0 : 1) }
            return child
        }
        for child in children { #expect(sleeps(child), "process \(child)") }
        word.publish(2)
        for child in children { #expect(exitCode(child) == 0, "process \(child)") }
    }

    private func sleeps(_ process: pid_t) -> Bool {
        for _ in 0..<20_000 {
            if TextFile.line("/proc/\(process)/stat")?.contains(") S ") == true { return true }
            Clock.sleep(nanoseconds: 1_000_000)
        }
        return false
    }

    /// Nil of one that has to be killed, since nobody wakes it.
    private func exitCode(_ process: pid_t) -> Int32? {
        var status: Int32 = 0
        for _ in 0..<20_000 {
            if unsafe waitpid(process, &status, WNOHANG) == process { return status }
            Clock.sleep(nanoseconds: 1_000_000)
        }
        kill(process, SIGKILL)
        unsafe waitpid(process, &status, 0)
        return nil
    }

    @Test("who sleeps does not look at the clock over and over", arguments: [900_000_000, 3_000_000_000] as [UInt64])
    func sleeps(slice: UInt64) throws {
        let lines = Lines(3)
        let clock = WaitClock(lines.counter(2), nanosecondsALook: 1)
        let sleepers = try Sleepers(3) { _ throws(WaitError) in
            let context = WaitContext(
                patience: Patience(spins: 0, sliceNanoseconds: slice), abort: AbortFlag(lines.counter(0)),
                timeoutNanoseconds: .max, clock: clock)
            return try lines.word(1).wait(for: 1, context)
        }
        Clock.sleep(nanoseconds: 50_000_000)
        lines.word(1).publish(1)
        #expect(try sleepers.values() == [.parked, .parked, .parked])
        // By sleeps of no time tens of thousands.
        #expect((3..<1000).contains(lines.counter(2).value), "\(lines.counter(2).value) looks")
    }

    @Test("who may spin for longer than the wait lasts neither sleeps nor looks at the clock") func spins() throws {
        let lines = Lines(4)
        let sleepers = try Sleepers(3) { _ throws(WaitError) in
            let context = WaitContext(
                patience: Patience(spins: .max), abort: AbortFlag(lines.counter(0)), timeoutNanoseconds: .max,
                clock: WaitClock(lines.counter(2), nanosecondsALook: 1))
            lines.counter(3).increment()
            return try lines.word(1).wait(for: 1, context)
        }
        while lines.counter(3).value < 3 { Clock.sleep(nanoseconds: 1_000_000) }
        Clock.sleep(nanoseconds: 5_000_000)
        lines.word(1).publish(1)
        // One that was not on a CPU before the value came has had no reason to spin.
        let ends = try sleepers.values()
        #expect(ends.allSatisfy { $0 != .parked } && ends.contains(.spun), "\(ends)")
        #expect(lines.counter(2).value == 0)
    }

    @Test("a signal that comes while three sleep ends nobody's wait") func interrupted() async {
        await #expect(processExitsWith: .success) {
            Suspensions.note(replaces: true)
            let lines = Lines(5)
            let sleepers = try Sleepers(3) { index throws(WaitError) in
                takeContinues()
                lines.counter(2 + index).store(UInt64(pthread_self()))
                return try lines.word(1).wait(for: 1, SleeperTests.context(lines))
            }
            for _ in 0..<3 {
                try sleepers.waitUntilAsleep()
                for index in 0..<3 { pthread_kill(pthread_t(lines.counter(2 + index).value), SIGCONT) }
                Clock.sleep(nanoseconds: 5_000_000)
            }
            #expect(Suspensions.lastEnd > 0)
            try sleepers.waitUntilAsleep()
            lines.word(1).publish(1)
            #expect(try sleepers.values() == [.parked, .parked, .parked])
        }
    }

    @Test("an abort ends the waits of all, and each tells of who raised it first") func abort() throws {
        let lines = Lines(2)
        let sleepers = try Sleepers(4) { _ throws(WaitError) in
            try lines.word(1).wait(
                for: 1, Self.context(lines, Patience(spins: 0, sliceNanoseconds: 5_000_000)))
        }
        try sleepers.waitUntilAsleep()
        let flag = AbortFlag(lines.counter(0))
        flag.raise(by: 3)
        flag.raise(by: 2)
        for outcome in try sleepers.outcomes() {
            #expect(throws: WaitError.aborted(by: 3)) { try outcome.get() }
        }
    }

    @Test("each of several who wait for one word comes to its own deadline") func deadlines() throws {
        let lines = Lines(6)
        let sleepers = try Sleepers(3) { index throws(WaitError) in
            try lines.word(1).wait(
                for: 1,
                lines.sleeper(
                    timeoutNanoseconds: 35 + 20 * UInt64(index), clockLine: 3 + index, nanosecondsALook: 10))
        }
        for (index, outcome) in try sleepers.outcomes().enumerated() {
            #expect(throws: WaitError.timedOut(afterNanoseconds: 40 + 20 * UInt64(index))) { try outcome.get() }
        }
    }

    // MARK: Barriers

    @Test("at a barrier of five each comes last in turn, and wakes the four who sleep") func lastComer() throws {
        let lines = Lines(4)
        let (name, parties, rounds) = (sleepersName(), 5, 25)
        let sleepers = try Sleepers(parties, name: name) { party throws(WaitError) in
            var barrier = unsafe Barrier(at: lines.address + 64, parties: parties)
            var early = 0
            for round in 0..<rounds {
                if round % parties == party { try allAsleep(parties - 1, name) }
                lines.counter(3).increment()
                try barrier.arrive(Self.context(lines))
                if lines.counter(3).value < UInt64((round + 1) * parties) { early += 1 }
            }
            return early
        }
        #expect(try sleepers.values() == Array(repeating: 0, count: parties))
        #expect(lines.counter(3).value == UInt64(rounds * parties))
    }

    @Test("a barrier keeps count of one who comes again before the last has woken the others") func quickComer() throws
    {
        // One spins, and comes again while who came last is still in the call that wakes the others.
        let lines = Lines(3)
        let sleepers = try Sleepers(5) { party throws(WaitError) in
            var barrier = unsafe Barrier(at: lines.address + 64, parties: 5)
            let patience = party == 0 ? Patience(spins: 100_000) : Self.patience
            for _ in 0..<2000 { try barrier.arrive(Self.context(lines, patience)) }
            return true
        }
        #expect(try sleepers.values().count == 5)
    }

    @Test("an abort ends the waits of all who have come to a barrier") func abortAtBarrier() throws {
        let lines = Lines(3)
        let sleepers = try Sleepers(3) { _ throws(WaitError) in
            var barrier = unsafe Barrier(at: lines.address + 64, parties: 4)
            return try barrier.arrive(Self.context(lines, Patience(spins: 0, sliceNanoseconds: 5_000_000)))
        }
        try sleepers.waitUntilAsleep()
        AbortFlag(lines.counter(0)).raise(by: 0)
        for outcome in try sleepers.outcomes() {
            #expect(throws: WaitError.aborted(by: 0)) { try outcome.get() }
        }
    }

    // MARK: Teams

    /// The last helper does its part only when the caller has done its own, and sleeps.
    private struct Late: TeamWork {
        let lines: Lines
        let caller: String

        func run(member: Int, of members: Int) {
            // Not for long: a caller that does not wait for this member does not sleep.
            if member == members - 1 { _ = try? allAsleep(1, caller, seconds: 2) }
            lines.counter(member).increment()
        }
    }

    @Test("four helpers who sleep are woken by each piece of work, and the caller by the last of them") func team()
        throws
    {
        let lines = Lines(5)
        let (helpers, caller) = (sleepersName(), sleepersName())
        let runner = try Sleepers(1, name: caller) { _ throws(WaitError) in
            let patience = Patience(spins: 0, sliceNanoseconds: 60_000_000_000)
            guard let team = try? Team(name: helpers, helperCPUs: Array(repeating: nil, count: 4), patience: patience)
            else { return [UInt64]() }
            defer { team.end() }
            var counts: [UInt64] = []
            for _ in 0..<3 {
                try allAsleep(4, helpers)
                team.dispatcher.run(Late(lines: lines, caller: caller))
                counts += (0..<5).map { lines.counter($0).value }
            }
            return counts
        }
        #expect(try runner.values() == [[1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3]])
    }
}

/// Two lines that forked processes share: an abort flag, and a word.
@safe
private final class SharedLines {
    private let address: UnsafeMutableRawPointer

    init() throws {
        let mapped = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        unsafe address = try #require(mapped == MAP_FAILED ? nil : mapped)
    }

    deinit { unsafe munmap(address, 4096) }

    var word: SharedWord { unsafe SharedWord(at: address + 64) }
    func context(_ patience: Patience, timeoutNanoseconds: UInt64) -> WaitContext {
        WaitContext(
            patience: patience, abort: AbortFlag(unsafe SharedCounter(at: address)),
            timeoutNanoseconds: timeoutNanoseconds)
    }
}
