// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

struct ComparisonTests {
    private func plan(_ schedule: Schedule, seed: UInt64 = 0) throws -> RunPlan {
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (50, 24, 4, 3)
        (spec.hidden, spec.sequenceLength) = (48, 8)
        var configuration = RunConfiguration(model: spec.model(), schedule: schedule)
        configuration.warmupSteps = 1
        configuration.measuredSteps = 3
        configuration.seed = seed
        return try RunPlan(configuration)
    }

    private func candidates() throws -> [Comparison.Candidate] {
        [
            .init(transport: .threads, plan: try plan(.gpipe(ranks: 2, microbatches: 4))),
            .init(transport: .threads, plan: try plan(.oneFOneB(ranks: 2, microbatches: 4))),
        ]
    }

    @Test("every candidate has a trial a round, and its terms add up to its step") func trials() throws {
        let one = try plan(.gpipe(ranks: 1, microbatches: 4))
        var progress: [Int] = []
        let comparison = try Comparison(try candidates(), oneStage: one, rounds: 3, seed: 1) { done, all in
            progress.append(done)
            #expect(all == 9)
        }
        #expect(progress == Array(0..<9))
        #expect(comparison.trials.map(\.count) == [3, 3] && comparison.oneStage.count == 3)
        let figures = ComparisonFigures(comparison)
        for (candidate, trials) in zip(figures.candidates, comparison.trials) {
            let sum = Breakdown.Term.allCases.reduce(0) { $0 + candidate[$1].value }
            #expect(abs(sum - candidate.stepSeconds.value) < 1e-12)
            #expect(candidate.stepSeconds.interval == nil)
            let itself = candidate.schedule == "GPipe" ? candidate.overGPipe : candidate.overThreads
            #expect(itself?.isToItself == true && itself?.estimate == Estimate(value: 1, interval: nil))
            #expect(candidate.handoffSeconds!.value > 0)
            #expect(trials.contains { $0.step.times.seconds == candidate.typicalStep.seconds })
            #expect(trials.allSatisfy { $0.handoffSeconds.count == 3 * 8 && $0.parked <= 3 * 8 })
            #expect((0...1).contains(candidate.parkedShare.value))
        }
        #expect(comparison.index("1F1B", .threads) == 1 && comparison.index("Interleaved-1F1B", .threads) == nil)
        #expect(figures.acrossSchedules.map(\.candidate.schedule) == ["1F1B"])
        #expect(figures.acrossTransports.allSatisfy { $0 == nil })
    }

    @Test("runs that do not do the same work are not compared") func otherWork() throws {
        let other = try plan(.gpipe(ranks: 1, microbatches: 4), seed: 1)
        #expect(throws: RunError.self) {
            try Comparison(try candidates(), oneStage: other, rounds: 1, seed: 0)
        }
    }
}
