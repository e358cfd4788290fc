// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import Threads

/// What others took from the CPUs of runs that never were: several CPUs, a warm-up, and figures that are all different.
struct TakenShareTests {
    private final class Root {
        let url = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)")
        deinit { try? FileManager.default.removeItem(at: url) }

        /// A machine with eight CPUs.
        init(quota: String) throws {
            for (path, text) in [
                "proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": quota,
                "proc/meminfo": "MemAvailable: 100000000 kB",
                "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
            ] {
                let file = url.appending(path: path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data((text + "\n").utf8).write(to: file)
            }
        }
    }

    /// Two warm-up steps of 900 ms, then 40, 70 and 52 ms with 9 ms between them: 180 ms from the first release to the end.
    private func figures(
        ranks: Int, threads: Int, _ taken: TakenTime?, quota: String = "max 100000", keepsTimeline: Bool = false
    ) throws -> RunFigures {
        var configuration = smallConfiguration(.decoder, .gpipe(ranks: ranks, microbatches: 1))
        configuration.threadsPerRank = threads
        configuration.keepsTimeline = keepsTimeline
        (configuration.warmupSteps, configuration.measuredSteps) = (2, 3)
        let root = try Root(quota: quota)
        let plan = try RunPlan(configuration, on: Machine(allowed: CPUSet(0..<8), root: root.url.path))
        var reports = (0..<ranks).map { RankReport(rank: $0, pinnings: [.free], cpu: $0) }
        var now: UInt64 = 77_000_000
        for milliseconds: UInt64 in [900, 900, 40, 70, 52] {
            for rank in 0..<ranks {
                // The last rank is released last and ends last.
                reports[rank].stepStart.append(now + 1_000_000 * UInt64(rank))
                reports[rank].stepEnd.append(now + (milliseconds - UInt64(ranks - 1 - rank)) * 1_000_000)
            }
            now += (milliseconds + 9) * 1_000_000
        }
        reports[0].taken = taken
        // Others than the first tell nothing that counts.
        if ranks > 1 { reports[1].taken = TakenTime(throttledSeconds: 99, stolenSeconds: 99) }
        let timeline = keepsTimeline ? try madeUpTimeline(plan) : nil
        return RunFigures(RunResult(plan: plan, ranks: reports, timeline: timeline, began: 0, ended: now))
    }

    /// Every task takes 2 ms one after the other, of which the first one's last half millisecond was lost.
    private func madeUpTimeline(_ plan: RunPlan) throws -> Timeline {
        let timeline = try Timeline(plan.graph, steps: 5, ThreadTransport())
        for step in 0..<5 {
            for task in plan.graph.tasks[0].indices {
                var times = TaskTimes()
                let start = UInt64(task) * 2_000_000
                (times.begin, times.received, times.ready) = (start, start, start)
                (times.end, times.sent) = (start + 2_000_000, start + 2_000_000)
                times.lostWorking = task == 0 ? 500_000 : 0
                timeline.record(times, 0, step: step, task: task)
            }
        }
        return timeline
    }

    private func isClose(_ share: Double?, _ expected: Double) -> Bool {
        share.map { abs($0 - expected) < 1e-12 } == true
    }

    @Test("stolen and throttled are parts of the measured time of all CPUs that the ranks take, the warm-up left out")
    func shares() throws {
        let taken = TakenTime(throttledSeconds: 0.063, stolenSeconds: 0.027)
        for (ranks, threads, cpus) in [(1, 1, 1.0), (2, 1, 2), (2, 3, 6), (4, 2, 8), (4, 4, 8)] {
            let figures = try figures(ranks: ranks, threads: threads, taken)
            #expect(abs(figures.result.measuredSeconds - 0.180) < 1e-12)
            #expect(isClose(figures.stolenShare, 0.027 / (0.180 * cpus)), "\(ranks) x \(threads)")
            #expect(isClose(figures.throttledShare, 0.063 / (0.180 * cpus)), "\(ranks) x \(threads)")
        }
        let none = try figures(ranks: 2, threads: 1, nil)
        #expect(none.stolenShare == nil && none.throttledShare == nil)
        let stolen = try figures(ranks: 2, threads: 1, TakenTime(throttledSeconds: nil, stolenSeconds: 0.009))
        #expect(isClose(stolen.stolenShare, 0.025) && stolen.throttledShare == nil)
    }

    @Test("tokens/s are over the median step, delivered and measured ones over what they say, the warm-up left out")
    func rates() throws {
        let figures = try figures(ranks: 2, threads: 1, nil)
        // 12 sequences of 5 tokens.
        #expect(figures.tokensOfStep == 60)
        #expect(abs(figures.tokensPerSecond - 60 / 0.052) < 1e-9)
        #expect(abs(figures.tokensPerMeanSecond - 60 / 0.054) < 1e-9)
        #expect(abs(figures.deliveredTokensPerSecond - 180 / 0.180) < 1e-9)
        #expect(figures.remarks.count == 1 && figures.remarks[0].hasPrefix("delivered were 1000 tokens/s over "))
        #expect(figures.remarks[0].contains(": 13.3 % below the median step's because the mean step is longer"))
    }

    @Test("a quota that binds is told with what it took; one that does not, and time that nobody took, are not")
    func remarks() throws {
        let taken = TakenTime(throttledSeconds: 0.063, stolenSeconds: 0.0001)
        func first(_ quota: String, threads: Int = 1, keepsTimeline: Bool = false) throws -> String? {
            try figures(ranks: 1, threads: threads, taken, quota: quota, keepsTimeline: keepsTimeline).remarks.first {
                $0.hasPrefix("the quota ")
            }
        }
        #expect(
            try first("50000 100000")
                == "the quota of 0.5 CPUs stopped the ranks for 35.0 % of the measured time of their CPUs")
        // Of three tasks of 2 ms, 0.5 ms lost; a step takes 54 ms in the mean.
        let timed = try #require(try first("150000 100000", threads: 3, keepsTimeline: true))
        let start = "the quota of 1.5 CPUs stopped the ranks for 11.7 % of the measured time of their CPUs; "
        let whole = try figures(ranks: 1, threads: 3, taken, quota: "150000 100000", keepsTimeline: true)
        let terms = try #require(whole.timed).breakdown
        #expect(abs(terms.oversubscription - 0.0005) < 1e-12 && abs(terms.step - 0.054) < 1e-12)
        #expect(timed == start + "0.9 % of the step is oversubscription")
        #expect(try first("300000 100000", threads: 3) == nil)
        #expect(try first("max 100000") == nil)
    }
}
