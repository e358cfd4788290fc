// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import Threads

/// Timelines that keep fewer steps than a run has.
struct TimelineTests {
    /// Times of which every part tells whose they are.
    private func times(_ rank: Int, _ step: Int, _ task: Int) -> TaskTimes {
        let number = UInt64(step) * 100_000 + UInt64(rank) * 10_000 + UInt64(task) + 1
        var times = TaskTimes()
        (times.begin, times.received, times.ready) = (number, number << 1, number << 2)
        (times.end, times.sent) = (number << 3, number << 4)
        (times.lostBefore, times.lostWaiting) = (number << 5, number << 6)
        (times.lostWorking, times.lostFinishing) = (number << 7, number << 8)
        (times.inputWait, times.roomWait) = (step % 2 == 0 ? .spun : .parked, task % 2 == 0 ? .parked : .spun)
        return times
    }

    @Test("of more steps than fit the last ones are kept, of every rank and task its own") func wraps() throws {
        let graph = try TaskGraph(.gpipe(ranks: 3, microbatches: 1500))
        // 3 ranks of 3000 actions, a packing and an update, two lines of 64 bytes each, in 256 MiB.
        let (tasks, kept, steps) = (3002, 232, 500)
        #expect(graph.tasks.map(\.count) == [tasks, tasks, tasks])
        let timeline = try Timeline(graph, steps: steps, ThreadTransport())
        #expect(timeline.steps == kept)
        let some = [0, 1, 1499, tasks - 1]
        for step in 0..<steps {
            for rank in 0..<3 {
                for task in some { timeline.record(times(rank, step, task), rank, step: step, task: task) }
            }
        }
        var wrong: [String] = []
        for step in steps - kept..<steps {
            for rank in 0..<3 {
                for task in some
                where timeline.times(ofRank: rank, step: step, task: task) != times(rank, step, task) {
                    wrong.append("\(rank).\(step).\(task)")
                }
            }
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(9))")
        // One step further back has been overwritten by the last one that took its room.
        #expect(timeline.times(ofRank: 1, step: steps - kept - 1, task: 1499) == times(1, steps - 1, 1499))
        #expect(try Timeline(graph, steps: 7, ThreadTransport()).steps == 7)
    }

    @Test("of a run whose first steps are no longer there, those that are have their own times") func timedSteps()
        throws
    {
        var configuration = smallConfiguration(.decoder, .gpipe(ranks: 2, microbatches: 1500))
        configuration.batchSize = 1500
        // 2 ranks of 3002 tasks of 128 bytes: 349 steps fit.
        (configuration.warmupSteps, configuration.measuredSteps) = (4, 396)
        (configuration.keepsWeights, configuration.keepsGradients) = (false, false)
        let plan = try RunPlan(configuration)
        let timeline = try Timeline(plan.graph, steps: 400, ThreadTransport())
        let reports = (0..<2).map { rank -> RankReport in
            var report = RankReport(rank: rank, pinnings: [.free], cpu: rank)
            report.stepStart = (0..<400).map { 1_000_000 * UInt64($0 + 1) + UInt64(rank) }
            report.stepEnd = (0..<400).map { 1_000_000 * UInt64($0 + 1) + 700_000 + UInt64(rank) }
            return report
        }
        for step in 0..<400 { timeline.record(times(1, step, 5), 1, step: step, task: 5) }
        let result = RunResult(plan: plan, ranks: reports, timeline: timeline, began: 0, ended: 1_000_000_000)
        #expect(result.timedSteps == 51..<400)
        for step in [51, 52, 399] {
            let step = (number: step, times: result.times(ofStep: step))
            #expect(step.times.tasks[1][5] == times(1, step.number, 5) && step.times.tasks[0][5] == TaskTimes())
            #expect(step.times.released == 1_000_000 * UInt64(step.number + 1))
            #expect(abs(step.times.seconds - 700_001e-9) < 1e-15)
        }
        // A short run's steps are all there, but for the warm-up.
        let short = reports.map { report in
            var report = report
            (report.stepStart, report.stepEnd) = (Array(report.stepStart.prefix(9)), Array(report.stepEnd.prefix(9)))
            return report
        }
        let kept = RunResult(
            plan: plan, ranks: short, timeline: try Timeline(plan.graph, steps: 9, ThreadTransport()), began: 0,
            ended: 1_000_000_000)
        #expect(kept.timedSteps == 4..<9)
    }
}
