// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What it costs to time every task: whole steps with a timeline over steps without.
struct TimelineBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    func run() throws(BenchmarkError) {
        var spec = ModelSpec()
        if effort.isShort { (spec.dim, spec.hidden, spec.vocabulary, spec.sequenceLength) = (32, 64, 100, 8) }
        let whole = try alternation(spec.model(), steps: effort.isShort ? 2 : 8, unit: "ms a step", scale: 1e3)
        print(
            "reference workload, 1F1B on threads, P=2, M=4, \(effort.rounds) rounds; the ratio is the timeline's cost")
        print(whole.table)
        let empty = try alternation(.empty, steps: effort.isShort ? 20 : 2000, unit: "us a step", scale: 1e6)
        print("\nlayers that do nothing, where the cost shows")
        print(empty.table)
        let cost = empty.median(1) - empty.median(0)
        print(
            "so the timeline takes \(cost.short) us a step, \((cost / whole.median(0) / 10).short) % of the reference "
                + "workload's")
    }

    private func alternation(
        _ model: Model, steps: Int, unit: String, scale: Double
    ) throws(BenchmarkError) -> Alternation {
        let candidates = [false, true].map { isOn in
            Alternation.Candidate(name: isOn ? "with a timeline" : "without") { () throws(BenchmarkError) in
                try stepSeconds(model, isOn, steps) * scale
            }
        }
        return try Alternation(candidates, rounds: effort.rounds, unit: unit)
    }

    private func stepSeconds(_ model: Model, _ isOn: Bool, _ steps: Int) throws(BenchmarkError) -> Double {
        var configuration = RunConfiguration(model: model, schedule: .oneFOneB(ranks: 2, microbatches: 4))
        configuration.keepsTimeline = isOn
        configuration.warmupSteps = 2
        configuration.measuredSteps = steps
        do throws(RunError) {
            return Statistics(try RunPlan(configuration).run().measuredStepSeconds).median
        } catch {
            throw .failed("\(error)")
        }
    }
}
