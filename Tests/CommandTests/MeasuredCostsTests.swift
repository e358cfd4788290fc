// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import ppthreads

/// What a comparison's page draws orders with, of steps that never were.
struct MeasuredCostsTests {
    /// A step whose tasks last so many milliseconds, one after the other on each rank.
    private func step(_ schedule: Schedule, _ milliseconds: (RankTask) -> Double) throws -> StepTimes {
        let graph = try TaskGraph(schedule)
        let tasks = graph.tasks.map { list in
            var now: UInt64 = 0
            return list.map { task in
                var times = TaskTimes()
                // Each waits for a while, which is no work.
                (times.begin, times.received) = (now, now + 700_000)
                times.ready = times.received
                // And has no CPU for a while, which is none either.
                times.lostWorking = 500_000
                now = times.ready + times.lostWorking + UInt64(milliseconds(task) * 1e6)
                (times.end, times.sent) = (now, now)
                return times
            }
        }
        return StepTimes(graph, released: 0, seconds: 1, tasks: tasks)
    }

    /// By stage and microbatch, so that no two are equal: 4, 5, 7, 8 ms for two of each. Packing and updates count for nothing.
    private func milliseconds(_ task: RankTask, times factor: (Action.Kind) -> Double) -> Double {
        guard case .action(let action) = task else { return 1000 }
        return Double(4 + 3 * action.stage + action.microbatch) * factor(action.kind)
    }

    @Test("whole backwards alone: F is their mean, I and W are half a backward each") func whole() throws {
        let schedule = Schedule.gpipe(ranks: 2, microbatches: 2)
        let times = try step(schedule) { milliseconds($0) { $0 == .forward ? 1 : 2.5 } }
        let costs = MeasuredCosts([(schedule, times)], handOff: 0.0015)
        // 24 ms of forwards for 2 ranks x 2 microbatches.
        #expect(abs(costs.unit - 0.006) < 1e-12 && !costs.isSplit)
        #expect(
            costs.costs == ChunkCosts(forward: 1, inputGradient: 1.25, weightGradient: 1.25, handOff: 0.25))
    }

    @Test("a rank's whole share: two stages of a rank add up, and one of them costs half") func share() throws {
        let schedule = ScheduleKind.interleaved.make(ranks: 2, virtualStages: 2, microbatches: 2)
        let times = try step(schedule) { milliseconds($0) { $0 == .forward ? 1 : 3 } }
        let costs = MeasuredCosts([(schedule, times)], handOff: 0.0034)
        // 4 + 3 s + m for s of 0 to 3 and m of 0 and 1 are 72 ms for 2 x 2.
        #expect(abs(costs.unit - 0.018) < 1e-12)
        #expect(costs.costs == ChunkCosts(forward: 1, inputGradient: 1.5, weightGradient: 1.5, handOff: 0.189))
        #expect(
            costs.costs(of: schedule)
                == ChunkCosts(forward: 0.5, inputGradient: 0.75, weightGradient: 0.75, handOff: 0.189))
    }

    @Test("of several candidates the mean, and I and W as those share it that do them apart") func several() throws {
        let (gpipe, zero) = (Schedule.gpipe(ranks: 2, microbatches: 2), Schedule.zeroBubble(ranks: 2, microbatches: 2))
        let one = try step(gpipe) { milliseconds($0) { $0 == .forward ? 1 : 2.2 } }
        let two = try step(zero) { task in
            milliseconds(task) { $0 == .forward ? 2 : $0 == .backwardInput ? 3 : $0 == .backward ? 4 : 1 }
        }
        let costs = MeasuredCosts([(gpipe, one), (zero, two)], handOff: 0)
        // Forwards: (24 + 48) / 8. Backwards: (52.8 + 96) / 8 = 18.6 ms; three of four parts of it are I's.
        #expect(abs(costs.unit - 0.009) < 1e-12 && costs.isSplit)
        #expect(costs.costs == ChunkCosts(forward: 1, inputGradient: 1.55, weightGradient: 0.517, handOff: 0))
    }
}
