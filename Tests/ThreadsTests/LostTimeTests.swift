// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Threads

/// What a thread lost, beside what the kernel says of it, read anew here.
@Suite(.enabled(if: RunDelay() != nil))
struct LostTimeTests {
    /// Nanoseconds that the calling thread was ready to run and had no CPU: the second number of the kernel's line.
    private static func delay() -> UInt64 {
        let text = (try? String(contentsOfFile: "/proc/thread-self/schedstat", encoding: .utf8)) ?? ""
        return UInt64(text.split(separator: " ")[1])!
    }

    private static func inThread<Value: Sendable>(
        cpu: Int? = nil, _ body: @escaping @Sendable () -> Value
    ) throws -> Value {
        try PinnedThread<Value, Never>(name: "loses", cpu: cpu) { _ in body() }.join()
    }

    // MARK: Made-up moments

    @Test("of time awake what is not CPU time is lost, from 5 microseconds on") func awake() throws {
        let lost = try Self.inThread {
            var time = LostTime()
            let (moment, cpu) = (Clock.now() + 1000, Clock.threadCPU() + 1000)
            _ = time.lost(until: moment, cpu: cpu, mayHaveSlept: false)
            // Each from the end of the one before: passed, and had of it.
            var (now, had) = (moment, cpu)
            let intervals =
                [(4_999, 0), (5_000, 0), (1_004_999, 1_000_000), (1_005_000, 1_000_000), (70_000, 70_000), (20, 90)]
                as [(UInt64, UInt64)]
            return intervals.map { passed, onCPU in
                now += passed
                had += onCPU
                return time.lost(until: now, cpu: had, mayHaveSlept: false)
            }
        }
        #expect(lost == [0, 5000, 0, 5000, 0, 0])
    }

    @Test("an interval that is too short to look at is a part of the next one") func short() throws {
        try Self.inThread {
            var time = LostTime()
            let start = Clock.now()
            let before = Clock.threadCPU()
            time.restart(at: start)
            let short = time.lost(until: start + 4_999, mayHaveSlept: false)
            #expect(short == 0)
            // A moment that is still to come, so that all of it is lost but what the thread really had.
            let lost = time.lost(until: start + 1_000_000_000, mayHaveSlept: false)
            let had = Clock.threadCPU() - before
            #expect(lost <= 1_000_000_000 && lost + had >= 1_000_000_000, "\(lost)")
        }
    }

    // MARK: Real ones

    @Test("who shares a CPU and may have slept lost what the kernel says, and who has not all that it did not have")
    func shared() throws {
        let cpu = try #require(try CPUSet.allowed().cpus.first)
        let lines = Lines(1)
        // Two, so that what is lost is not what is had.
        let hogs = try (0..<2).map { _ in
            try PinnedThread<Bool, Never>(name: "hog", cpu: cpu) { _ in
                while lines.counter(0).value == 0 {}
                return true
            }
        }
        let readings = try Self.inThread(cpu: cpu) { () -> [Reading] in
            [true, false].map { mayHaveSlept in
                let outer = Self.delay()
                var time = LostTime()
                let inner = Self.delay()
                let deadline = Clock.now() + 20_000_000_000
                while Self.delay() < inner + 40_000_000 && Clock.now() < deadline {}
                let most = Self.delay()
                let lost = time.lost(until: Clock.now(), mayHaveSlept: mayHaveSlept)
                return Reading(least: most - inner, lost: lost, most: Self.delay() - outer)
            }
        }
        lines.counter(0).store(1)
        for hog in hogs { #expect(try hog.join()) }
        for reading in readings { #expect(reading.least > 30_000_000, "the thread lost nothing") }
        let (slept, awake) = (readings[0], readings[1])
        #expect(slept.lost + 1_000_000 > slept.least && slept.lost <= slept.most, "\(slept)")
        // By the clock it is more: the kernel's turns, and what a hypervisor takes.
        #expect(awake.lost + 1_000_000 > awake.least, "\(awake)")
    }

    private struct Reading: Sendable {
        /// By the kernel, a moment after the interval began to a moment before it ended; and the other way round.
        let least, lost, most: UInt64
    }

    @Test("sleep is not lost, and neither is what was lost before the sleep") func asleep() throws {
        let cpu = try #require(try CPUSet.allowed().cpus.last)
        let lines = Lines(1)
        let hog = try PinnedThread<Bool, Never>(name: "hog", cpu: cpu) { _ in
            while lines.counter(0).value == 0 {}
            return true
        }
        let (awake, slept, most) = try Self.inThread(cpu: cpu) {
            var time = LostTime()
            let start = Self.delay()
            let deadline = Clock.now() + 20_000_000_000
            while Self.delay() < start + 40_000_000 && Clock.now() < deadline {}
            let before = Self.delay()
            let awake = time.lost(until: Clock.now(), mayHaveSlept: false)
            lines.counter(0).store(1)
            Clock.sleep(nanoseconds: 60_000_000)
            let slept = time.lost(until: Clock.now(), mayHaveSlept: true)
            return (awake, slept, Self.delay() - before)
        }
        #expect(try hog.join())
        #expect(awake > 30_000_000 && slept <= most, "\(awake) awake, and \(slept) of at most \(most)")
    }

    @Test("a process that is stopped while it sleeps loses what it was stopped, and not the sleep after it")
    func stopped() async {
        await #expect(processExitsWith: .success) {
            let stops = "sleep 0.1; kill -STOP \(getpid()); sleep 0.4; kill -CONT \(getpid())"
            let reading = try PinnedThread<[UInt64], Never>(name: "sleeps", cpu: nil) { _ in
                let before = LostTimeTests.delay()
                var time = LostTime()
                let start = Clock.now()
                time.restart(at: start)
                // Sleeps, but for a look now and then.
                _ = try? Program.run("/bin/sh", ["-c", stops], nanosecondsMost: 20_000_000_000)
                Clock.sleep(nanoseconds: 300_000_000)
                let lost = time.lost(until: Clock.now(), mayHaveSlept: true)
                return [lost, Suspensions.lastEnd - start, LostTimeTests.delay() - before]
            }.join()
            let (lost, untilContinued, delay) = (reading[0], reading[1], reading[2])
            // From the interval's start: nobody knows when the stop began.
            #expect(untilContinued > 400_000_000, "it was not stopped")
            #expect(lost >= untilContinued && lost <= untilContinued + delay, "\(reading)")
        }
    }
}
