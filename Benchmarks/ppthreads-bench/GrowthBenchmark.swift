// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor

/// How the step grows with M, layers, dim, sequence length and vocabulary, one of them at a time: whether any part of it
/// grows faster than the matrix products. One stage, so that nothing but work is in it.
struct GrowthBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    /// Microbatches are always of two sequences: a batch is 2 M.
    private struct Size: Sendable {
        var spec = ModelSpec()
        var microbatches = 4
    }

    private struct Series: Sendable {
        let name: String
        let values: [Int]
        let set: @Sendable (inout Size, Int) -> Void
    }

    private static let series = [
        Series(name: "M", values: [2, 4, 8, 16]) { $0.microbatches = $1 },
        Series(name: "layers", values: [2, 4, 8]) { $0.spec.layers = $1 },
        Series(name: "dim", values: [120, 240, 480]) { $0.spec.dim = $1 },
        Series(name: "sequence", values: [32, 64, 128, 256, 512]) { $0.spec.sequenceLength = $1 },
        Series(name: "vocabulary", values: [5000, 10000, 20000]) { $0.spec.vocabulary = $1 },
    ]

    func run() throws(BenchmarkError) {
        for architecture in Architecture.allCases {
            for series in Self.series { try run(architecture, series) }
        }
    }

    private func run(_ architecture: Architecture, _ series: Series) throws(BenchmarkError) {
        let plans = try series.values.map { value throws(BenchmarkError) in try plan(architecture, series, value) }
        let candidates = zip(series.values, plans).map { value, plan in
            Alternation.Candidate(name: "\(series.name) \(value)") { () throws(BenchmarkError) in
                do throws(RunError) {
                    return Statistics(try plan.run().measuredStepSeconds).median * 1000
                } catch {
                    throw .failed("\(series.name) \(value): \(error)")
                }
            }
        }
        let steps = try Alternation(candidates, rounds: effort.rounds, unit: "ms")
        print("\(architecture.rawValue), \(series.name); \(effort.rounds) rounds; ratios to the row above")
        for (index, plan) in plans.enumerated() {
            let gigaFLOPs = plan.productFLOPs / 1e9
            let speed = gigaFLOPs / steps.median(index) * 1000
            var line = "\(series.values[index])  \(steps.median(index).short) ms  \(gigaFLOPs.short) GFLOP  "
            line += "\(speed.short) GFLOP/s"
            if index > 0 {
                let products = plan.productFLOPs / plans[index - 1].productFLOPs
                line +=
                    "  step x\(steps.ratio(index, over: index - 1).withQuartiles) for x\(products.short) the products"
            }
            print(line)
        }
        print("")
    }

    private func plan(
        _ architecture: Architecture, _ series: Series, _ value: Int
    ) throws(BenchmarkError) -> RunPlan {
        var size = Size()
        size.spec.architecture = architecture
        series.set(&size, value)
        if effort.isShort {
            (size.spec.vocabulary, size.spec.hidden, size.spec.heads) = (size.spec.vocabulary / 200, 16, 1)
            (size.spec.dim, size.spec.sequenceLength) = (size.spec.dim / 30, size.spec.sequenceLength / 16)
        }
        var configuration = RunConfiguration(
            model: size.spec.model(), schedule: .oneFOneB(ranks: 1, microbatches: size.microbatches))
        configuration.batchSize = 2 * size.microbatches
        configuration.warmupSteps = 1
        configuration.measuredSteps = effort.isShort ? 1 : 3
        do throws(RunError) { return try RunPlan(configuration) } catch { throw .failed("\(error)") }
    }
}
