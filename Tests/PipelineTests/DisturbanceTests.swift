// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import Threads

struct DisturbanceTests {
    /// A task from one moment to another, in milliseconds after the release.
    private func task(_ ready: UInt64, _ end: UInt64, lost: UInt64 = 0, delay: UInt64 = 0) -> TaskTimes {
        var times = TaskTimes()
        (times.begin, times.received, times.ready) = (ready * 1_000_000, ready * 1_000_000, ready * 1_000_000)
        (times.end, times.sent) = (end * 1_000_000, end * 1_000_000)
        (times.lostWorking, times.lostBefore) = (lost * 1_000_000, delay * 1_000_000)
        return times
    }

    private func step(_ schedule: Schedule, _ tasks: [[TaskTimes]]) throws -> StepFigures {
        let end = tasks.joined().map(\.end).max()!
        return StepFigures(
            StepTimes(try TaskGraph(schedule), released: 0, seconds: Double(end) / 1e9, tasks: tasks))
    }

    private func isClose(_ disturbance: Disturbance, _ share: Double) -> Bool { abs(disturbance.share - share) < 1e-12 }

    @Test("what one stage lost inside its tasks, before them and in its update is its part of the step")
    func oneStage() throws {
        let schedule = Schedule.gpipe(ranks: 1, microbatches: 2)
        // F0 F1 B0 B1 and the update: 2 + 4 + 3 + 1 of 88 ms.
        let disturbed = try step(
            schedule,
            [
                [
                    task(0, 11, lost: 2), task(16, 29, delay: 4), task(29, 52, lost: 3), task(52, 81),
                    task(81, 88, lost: 1),
                ]
            ])
        #expect(isClose(Disturbance([disturbed]), 10.0 / 88))
        let quiet = try step(schedule, [[task(0, 11), task(11, 24), task(24, 47), task(47, 76), task(76, 83)]])
        #expect(Disturbance([quiet]).share == 0 && !Disturbance([quiet]).isTooMuch)
        // Of the steps together: not the mean of their shares, which would be 10 / 176.
        #expect(isClose(Disturbance([disturbed, quiet]), 10.0 / 171))
    }

    @Test("time that a rank lost while it would have waited in any case counts for nothing") func critical() throws {
        let schedule = Schedule.gpipe(ranks: 2, microbatches: 1)
        func share(forward lost: UInt64, update: UInt64) throws -> Disturbance {
            // F0, packing, B0, update; packing, F0, B0, update. Rank 1 packs before its input is there, and rank 0 updates last.
            Disturbance([
                try step(
                    schedule,
                    [
                        [task(0, 10), task(10, 12), task(45, 66), task(66, 71, lost: update)],
                        [task(0, 6, lost: 4), task(10, 22, lost: lost), task(22, 45), task(45, 54, lost: 5)],
                    ])
            ])
        }
        #expect(isClose(try share(forward: 0, update: 0), 0))
        #expect(isClose(try share(forward: 3, update: 0), 3.0 / 71))
        #expect(isClose(try share(forward: 0, update: 2), 2.0 / 71))
        #expect(isClose(try share(forward: 3, update: 2), 5.0 / 71))
    }

    private struct Outcome {
        let share: Double?
        let seconds: Double
    }

    /// Measures a series of outcomes, of which each is faster than the one before.
    private func quietest(_ shares: [Double?]) -> (kept: Int?, tries: Int) {
        let outcomes = shares.enumerated().map { Outcome(share: $1, seconds: 9 - Double($0)) }
        let quietest = Quietest(
            disturbance: { $0.share.map(Disturbance.init(share:)) }, measure: { outcomes[$0 - 1] })
        return (outcomes.firstIndex { $0.seconds == quietest.outcome.seconds }, quietest.tries)
    }

    @Test(
        "what is disturbed is measured again, thrice at most, and the least disturbed counts, not the fastest",
        arguments: [
            ([0.0], 0, 1), ([0.02], 0, 1), ([0.5, 0.01], 1, 2), ([0.5, 0.02], 1, 2), ([0.5, 0.3, 0.4], 1, 3),
            ([0.3, 0.5, 0.4], 0, 3), ([0.5, 0.4, 0.3], 2, 3), ([0.3, 0.3, 0.3], 0, 3), ([0.021, 0.9, 0.019], 2, 3),
            ([0.5, .nan, 0.4], 2, 3), ([.nan], 0, 1),
        ] as [([Double], Int, Int)])
    func tries(shares: [Double], kept: Int, tries: Int) {
        let found = quietest(shares)
        #expect(found.kept == kept && found.tries == tries)
    }

    @Test("what nothing can be told of is measured once, and replaces nothing") func unknown() {
        #expect(quietest([nil]) == (0, 1))
        #expect(quietest([0.5, nil, 0.4]) == (2, 3))
        #expect(quietest([0.5, nil, nil]) == (0, 3))
    }

    @Test("a try that fails is not hidden behind one that went well") func failure() {
        struct Failure: Error {}
        #expect(throws: Failure.self) {
            try Quietest(
                disturbance: { Disturbance(share: $0) },
                measure: { number in
                    if number == 2 { throw Failure() }
                    return 0.5
                })
        }
    }
}
