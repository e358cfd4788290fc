// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// How often a comparison sees a difference between two candidates that do the same: 1F1B, and Interleaved-1F1B with one stage a
/// rank, whose order is the same.
struct NullBenchmark {
    private let compares: Int
    private let trials: Int

    init(_ effort: Effort) { (compares, trials) = (effort.compares, effort.trials) }

    func run() throws(BenchmarkError) {
        var (seen, unknown) = (0, 0)
        for compare in 0..<compares {
            let figures: ComparisonFigures
            do throws(RunError) {
                figures = ComparisonFigures(try comparison(seed: UInt64(compare)))
            } catch {
                throw .failed("\(error)")
            }
            seen += figures.acrossSchedules.count { $0.isSeen == true }
            unknown += figures.acrossSchedules.count { $0.isSeen == nil }
        }
        let share = (Double(seen) / Double(compares) * 100).tenths
        print("1F1B and Interleaved-1F1B with one stage a rank, on threads, \(counted(trials, "trial")) each")
        print("a difference was seen in \(seen) of \(counted(compares, "compare")), \(share) %")
        if unknown > 0 { print("of \(unknown) nothing is said: fewer than \(Estimate.countLeast) trials are too few") }
    }

    private func comparison(seed: UInt64) throws(RunError) -> Comparison {
        let orders: [Schedule] = [
            .oneFOneB(ranks: 2, microbatches: 4), .interleaved(ranks: 2, virtualStages: 1, microbatches: 4),
        ]
        var candidates: [Comparison.Candidate] = []
        for order in orders {
            candidates.append(Comparison.Candidate(transport: .threads, plan: try plan(order)))
        }
        let oneStage = try plan(.gpipe(ranks: 1, microbatches: 4))
        return try Comparison(candidates, oneStage: oneStage, rounds: trials, seed: seed)
    }

    private func plan(_ schedule: Schedule) throws(RunError) -> RunPlan {
        var spec = ModelSpec()
        (spec.dim, spec.hidden, spec.vocabulary, spec.sequenceLength) = (48, 96, 200, 16)
        var configuration = RunConfiguration(model: spec.model(), schedule: schedule)
        (configuration.warmupSteps, configuration.measuredSteps) = (2, 6)
        return try RunPlan(configuration)
    }
}
