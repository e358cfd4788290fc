// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import Threads

/// Where a task's times put what the rank lost. Whoever sleeps where nobody is waited for is without a CPU as if it had lost it.
struct TaskWatchTests {
    private static func rest(_ milliseconds: UInt64) { Clock.sleep(nanoseconds: milliseconds * 1_000_000) }

    /// Whether it is that long, and not as long as two.
    private func isAbout(_ milliseconds: UInt64, _ nanoseconds: UInt64) -> Bool {
        (milliseconds * 1_000_000..<milliseconds * 3_000_000).contains(nanoseconds)
    }

    @Test("what is lost in a task is charged to the part of it in which it was lost") func parts() throws {
        let (first, second) = try PinnedThread<(TaskTimes, TaskTimes), Never>(name: "rank", cpu: nil) { _ in
            let watch = TaskWatch(isOn: true)
            watch.startStep()
            watch.enterStep(.ready)
            watch.begin()
            watch.received(.ready)
            Self.rest(12)
            watch.startWork()
            Self.rest(40)
            watch.endWork()
            Self.rest(130)
            watch.handOn()
            watch.handedOn(.ready)
            let first = watch.times
            Self.rest(400)
            watch.begin()
            return (first, watch.times)
        }.join()
        #expect(isAbout(12, first.lostWaiting), "\(first)")
        #expect(isAbout(40, first.lostWorking), "\(first)")
        #expect(isAbout(130, first.lostFinishing), "\(first)")
        #expect(first.lostBefore < 5_000_000 && isAbout(400, second.lostBefore), "\(first) \(second)")
        #expect(first.ready - first.received >= 12_000_000 && first.end - first.ready >= 40_000_000)
        #expect(first.sent - first.end >= 130_000_000 && second.begin - first.sent >= 400_000_000)
    }

    @Test("what is no part of the step is taken off all later moments of it, and is not lost") func excluded() throws {
        let (before, after) = try PinnedThread<(TaskTimes, TaskTimes), Never>(name: "rank", cpu: nil) { _ in
            let watch = TaskWatch(isOn: true)
            watch.startStep()
            watch.enterStep(.ready)
            watch.begin()
            watch.received(.ready)
            watch.startWork()
            watch.endWork()
            let before = watch.times
            let start = Clock.now()
            Self.rest(200)
            watch.exclude(nanoseconds: Clock.now() - start)
            watch.begin()
            return (before, watch.times)
        }.join()
        #expect(after.begin - before.end < 100_000_000 && after.lostBefore < 100_000_000, "\(before) \(after)")
    }
}
