// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing
import ppthreads

/// What is said of the machine during comparisons that never were.
struct CompareNotesTests {
    private func run(
        _ milliseconds: [Double], over total: Double, throttled: Double? = nil, stolen: Double? = nil
    ) -> Comparison.Trial.WholeRun {
        Comparison.Trial.WholeRun(
            stepSeconds: milliseconds.map { $0 / 1e3 }, measuredSeconds: total / 1e3, throttledShare: throttled,
            stolenShare: stolen)
    }

    @Test("what is true of one candidate is told with its name, what is true of all once") func names() throws {
        // Two rounds of steps of 20 ms: GPipe delivers 2 x 2 steps in 100 + 60 ms, 1F1B in 81 ms.
        let figures = try MadeUpComparison().figures([
            .init(
                schedule: .gpipe, milliseconds: [20, 20],
                whole: [
                    run([20, 80], over: 100, stolen: 0.02), run([20, 40], over: 60, stolen: 0.05),
                ]),
            .init(
                schedule: .oneFOneB, milliseconds: [20, 20],
                whole: [
                    run([20, 20], over: 40, stolen: 0.03), run([20, 21], over: 41, stolen: 0.04),
                ]),
        ])
        let tokens = Double(figures.comparison.tokensOfStep)
        let delivered = try figures.candidates.map { try #require($0.deliveredTokensPerSecond) }
        #expect(abs(delivered[0] - tokens * 4 / 0.160) < 1e-9 && abs(delivered[1] - tokens * 4 / 0.081) < 1e-9)
        let stolen = "the hypervisor took 3.5 % of the ranks' CPUs away (steal)"
        #expect(figures.candidates.map(\.remarks.first) == [stolen, stolen])
        let lines = CompareNotes(figures).lines
        #expect(lines.filter { $0.contains("steal") } == [stolen])
        // 400 ms of 20 ms steps would be 160 / 4 = 40 ms a step, half the rate.
        #expect(
            lines.filter { $0.contains("delivered") } == [
                "GPipe on threads: delivered were \(Int((tokens * 25).rounded())) tokens/s over the whole measured time: "
                    + "50.0 % below the median step's because the mean step is longer"
            ])
    }

    @Test("stolen time below 1 %, and rates less than 2 % apart, are not told") func quiet() throws {
        let figures = try MadeUpComparison().figures([
            .init(schedule: .gpipe, milliseconds: [20], whole: [run([20, 20], over: 40.7, stolen: 0.009)])
        ])
        #expect(figures.candidates[0].remarks.isEmpty)
        #expect(
            try MadeUpComparison().figures([.init(schedule: .gpipe, milliseconds: [20])]).candidates[0].remarks.isEmpty)
    }

    @Test("steps of all trials together that come in two kinds are told") func kinds() throws {
        let figures = try MadeUpComparison().figures([
            .init(
                schedule: .gpipe, milliseconds: [20, 30],
                whole: [
                    run([20, 20.1, 20.2, 20.1, 20], over: 100.4), run([30, 30.1, 30.2, 30, 30.1], over: 150.4),
                ])
        ])
        #expect(
            figures.candidates[0].remarks.first
                == "steps come in two kinds: 20.10 ms and 30.10 ms with 50.0 % of them slow; the median lies between"
        )
    }
}
