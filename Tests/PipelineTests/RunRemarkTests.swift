// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import Threads

/// Figures of runs that never were: steps of known lengths, in milliseconds, one after the other with known gaps.
struct RunRemarkTests {
    private func figures(
        _ steps: [Double], gap: Double = 0, taken: TakenTime? = nil, quota: Double? = nil, warmup: Int = 1
    ) throws -> RunFigures {
        var configuration = smallConfiguration(.decoder, .gpipe(ranks: 1, microbatches: 1))
        configuration.keepsTimeline = false
        (configuration.warmupSteps, configuration.measuredSteps) = (warmup, steps.count)
        var report = RankReport(rank: 0, pinnings: [.free], cpu: 0)
        report.taken = taken
        var now: UInt64 = 5_000_000
        for length in Array(repeating: 99, count: warmup) + steps {
            report.stepStart.append(now)
            report.stepEnd.append(now + UInt64(length * 1e6))
            now += UInt64((length + gap) * 1e6)
        }
        return RunFigures(
            RunResult(plan: try RunPlan(configuration), ranks: [report], timeline: nil, began: 0, ended: now))
    }

    @Test("delivered are all tokens over all the time, and a person is told where that is another rate")
    func delivered() throws {
        // Median 20, mean 25; with gaps of 1 between the four, 103 ms in all.
        let uneven = try figures([10, 18, 22, 50], gap: 1)
        let tokens = Double(uneven.tokensOfStep)
        #expect(abs(uneven.tokensPerSecond - tokens / 0.020) < 1e-9)
        #expect(abs(uneven.deliveredTokensPerSecond - 4 * tokens / 0.103) < 1e-9)
        let rate = Int((4 * tokens / 0.103).rounded())
        #expect(
            uneven.remarks == [
                "delivered were \(rate) tokens/s over the whole measured time: 22.3 % below the median step's because "
                    + "the mean step is longer"
            ])
        // 2 % apart is not told: 20 and 20.4 ms.
        #expect(try figures([20, 20, 20, 21.6]).remarks == [])
        #expect(try figures([20, 20, 20, 21.7]).remarks.count == 1)
        #expect(try figures([10, 20, 20]).remarks.first?.contains("20.0 % above the median step's") == true)
    }

    @Test("stolen time is told as a part of the ranks' CPUs' time, from 1 % on") func stolen() throws {
        // Of 80 ms on one CPU.
        func taken(_ seconds: Double) -> TakenTime { TakenTime(throttledSeconds: nil, stolenSeconds: seconds) }
        let some = try figures([20, 20, 20, 20], taken: taken(0.006))
        #expect(some.stolenShare.map { abs($0 - 0.075) < 1e-12 } == true && some.throttledShare == nil)
        #expect(some.remarks == ["the hypervisor took 7.5 % of the ranks' CPUs away (steal)"])
        #expect(try figures([20, 20, 20, 20], taken: taken(0.0008)).remarks == [])
    }

    @Test("steps of two kinds are told, with the length of each and how many are slow") func kinds() throws {
        let remarks = try figures([30, 31, 30.5, 30.2, 30.8, 30.4, 45, 46, 45.5, 30.6]).remarks
        #expect(
            remarks.first
                == "steps come in two kinds: 30.50 ms and 45.50 ms with 30.0 % of them slow; the median is a fast one"
        )
        // One outlier of ten is no kind; neither is an even spread; nor nine steps, nor kinds 4 % apart.
        for lengths in [
            [30, 31, 30.5, 30.2, 30.8, 30.4, 30.1, 30.9, 30.3, 60], (0..<10).map { 30 + Double($0) },
            [30, 30.1, 30.2, 30, 30.1, 45, 45.1, 45, 45.2],
            [30, 30.01, 30.02, 30, 30.01, 31.2, 31.21, 31.2, 31.22, 31.2],
        ] {
            #expect(try !figures(lengths).remarks.contains { $0.contains("two kinds") })
        }
    }
}
