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

    @Test("ranks that share CPUs are told with the rows that they are of, or with the transport of all such rows")
    func shared() throws {
        func notes(_ pins: [(ScheduleKind, TransportKind, PinPolicy)]) throws -> [String] {
            let figures = try MadeUpComparison().figures(
                pins.map { .init(schedule: $0.0, transport: $0.1, pin: $0.2, milliseconds: [20]) })
            return CompareNotes(figures).lines.filter { $0.contains("share CPU") }
        }
        let (one, two) = (PinPolicy.list([3, 3]), PinPolicy.list([0, 2]))
        let sentence = "2 of 2 ranks share CPU 3, round-robin; all waits sleep instead of spinning"
        #expect(try notes([(.gpipe, .threads, one), (.oneFOneB, .threads, one)]) == [sentence])
        #expect(try notes([(.gpipe, .threads, two), (.oneFOneB, .threads, two)]) == [])
        #expect(
            try notes([(.gpipe, .threads, two), (.gpipe, .unix, one), (.oneFOneB, .threads, one)]) == [
                "GPipe on unix, 1F1B on threads: \(sentence)"
            ])
        #expect(
            try notes([
                (.gpipe, .threads, one), (.gpipe, .unix, two), (.oneFOneB, .threads, one), (.oneFOneB, .unix, two),
            ]) == ["all on threads: \(sentence)"])
    }

    @Test("what a replay expects of a step is the median over the trials, told by candidate") func expected() throws {
        // One forward and an update, and no hand-off that a link could make longer.
        let figures = try MadeUpComparison().figures([
            .init(schedule: .gpipe, milliseconds: [70, 20, 30]),
            .init(schedule: .oneFOneB, milliseconds: [11, 13, 19]),
        ])
        let link = LinkCost(latency: 0.0025, bytesPerSecond: 12.5e6)
        let steps = figures.expectedSteps(over: link).map(\.value)
        #expect(abs(steps[0] - 0.030) < 1e-12 && abs(steps[1] - 0.013) < 1e-12)
        let line =
            "a replay with hand-offs of 2.5 ms and 100 Mbit/s expects steps of GPipe on threads 30.00 ms (+0.0 %), "
            + "1F1B on threads 13.00 ms (+0.0 %)"
        #expect(CompareNotes(figures, expecting: link).lines.filter { $0.contains("a replay") } == [line])
        #expect(!CompareNotes(figures).lines.contains { $0.contains("a replay") })
        let header = try #require(CompareRows(figures, expecting: link).csv.split(separator: "\n").first)
        #expect(header.contains(",expected_step_s,expected_step_s_low,expected_step_s_high,tries,"))
        #expect(!CompareRows(figures).csv.contains("expected_step_s"))
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
