// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// Plans for a person and for programs, the best first.
struct PlanTable {
    private let runs: [PlannedRun]
    private let check: PlanCheck?
    private let options: PlanCommand.Options

    init(_ runs: [PlannedRun], _ check: PlanCheck?, _ options: PlanCommand.Options) {
        (self.runs, self.check, self.options) = (runs, check, options)
    }

    private var told: ArraySlice<PlannedRun> { runs.prefix(max(options.top, options.check ?? 0)) }

    var text: String {
        let commands = told.enumerated().map { "\($0 + 1)  \(command($1))" }
        return ([title, ""] + plans.lines + ["", noPipeline].compactMap(\.self) + [""] + commands + checked).joined(
            separator: "\n")
    }

    private var title: String {
        let model = runs[0].configuration.model.name
        return
            "\(model), a batch of \(options.run.batch): \(counted(runs.count, "plan")) worked out, the best \(told.count) of them; predicted"
    }

    private var plans: TextTable {
        let header = [
            "", "schedule", "P", "v", "M", "threads", "tokens/s", "step, ms", "work", "imbalance", "bubble",
            "transport",
            "optimizer", "above bound", "a rank holds",
        ]
        let rows = told.enumerated().map { index, run -> [String] in
            let (schedule, terms) = (run.simulated.schedule, run.simulated.breakdown)
            let tokens = Double(run.simulated.tokensOfStep ?? 0) / run.step
            return [
                "\(index + 1)", schedule.ranks == 1 ? "no pipeline" : schedule.name, "\(schedule.ranks)",
                "\(schedule.virtualStages)", "\(schedule.microbatches)", "\(run.configuration.threadsPerRank)",
                tokens.grouped, (run.step * 1000).fixed(2),
            ]
                + [terms.work, terms.imbalance, terms.bubble, terms.transport, terms.optimizer].map {
                    ($0 * 1000).fixed(2)
                }
                + [run.simulated.gap.percent, ByteCount(run.memoryBytes).description]
        }
        return TextTable([header] + rows, leading: 2)
    }

    /// The best without a pipeline, where that is none of those that are told.
    private var noPipeline: String? {
        guard let index = runs.firstIndex(where: { $0.simulated.schedule.ranks == 1 }), index >= told.count else {
            return nil
        }
        let run = runs[index]
        return
            "without a pipeline the best is number \(index + 1): \((run.step * 1000).fixed(2)) ms, M=\(run.simulated.schedule.microbatches), \(counted(run.configuration.threadsPerRank, "thread"))"
    }

    /// What runs a plan.
    private func command(_ run: PlannedRun) -> String {
        let (schedule, configuration) = (run.simulated.schedule, run.configuration)
        var words = ["ppthreads run"] + options.run.modelFlags
        words += [
            "--schedule \(schedule.identifier)", "--stages \(schedule.ranks)",
            "--microbatches \(schedule.microbatches)",
        ]
        if let kind = schedule.kind, case .exactly = kind.stagesOfRank {
        } else {
            words.append("--virtual-stages \(schedule.virtualStages)")
        }
        if configuration.threadsPerRank > 1 { words.append("--threads \(configuration.threadsPerRank)") }
        if schedule.stages > 1, let plan = run.simulated.plan { words.append("--partition '\(plan.layout)'") }
        if configuration.recomputes { words.append("--recompute") }
        return words.joined(separator: " ")
    }

    // MARK: Checked

    private var checked: [String] {
        guard let check else { return [] }
        let header = ["", "predicted, ms", "measured", "quartiles", "off by"]
        let rows = check.runs.indices.map { index in
            let steps = check.steps[index]
            return [
                "\(index + 1)", (check.runs[index].step * 1000).fixed(2), (steps.median * 1000).fixed(2),
                "\((steps.quantile(0.25) * 1000).fixed(2)) to \((steps.quantile(0.75) * 1000).fixed(2))",
                signed(check.errors[index]),
            ]
        }
        let best = check.steps.indices.min { check.steps[$0].median < check.steps[$1].median }! + 1
        let verdict =
            best == 1
            ? "the plan it prefers is the fastest of those that were run"
            : "number \(best) was the fastest; the plan it prefers took \(signed(check.firstOverBest)) of that"
        return ["", "run in turns, \(counted(options.trials, "time")) each"]
            + TextTable([header] + rows, leading: 1).lines + [verdict, disturbed].compactMap(\.self)
    }

    /// Where somebody else had the CPUs for more than a little.
    private var disturbed: String? {
        guard let check else { return nil }
        let shares = check.measured.joined().map { $0.share(.oversubscription) }
        let mean = shares.reduce(0, +) / Double(shares.count)
        return mean > 0.02
            ? "note: others had the ranks' CPUs for \(mean.percent) of these steps, which no prediction knows of" : nil
    }

    private func signed(_ part: Double) -> String { "\(part >= 0 ? "+" : "")\((part * 100).fixed(1)) %" }

    // MARK: For programs

    struct Row: Encodable {
        let schedule: String
        let stages, virtualStages, microbatches, threads: Int
        let layout: String
        let recompute: Bool
        let tokensPerS, stepS: Double
        let terms: PredictionJSON.Terms
        let makespanS, boundS, gap: Double
        let memoryBytes: [Int]
        let command: String
        /// Not there unless it was run.
        let measuredStepS, error: Double?
    }

    var rows: [Row] {
        told.enumerated().map { index, run in
            let (schedule, plan) = (run.simulated.schedule, run.simulated.plan)
            let isChecked = index < check?.runs.count ?? 0
            return Row(
                schedule: schedule.identifier, stages: schedule.ranks, virtualStages: schedule.virtualStages,
                microbatches: schedule.microbatches, threads: run.configuration.threadsPerRank,
                layout: plan?.layout ?? "", recompute: run.configuration.recomputes,
                tokensPerS: Double(run.simulated.tokensOfStep ?? 0) / run.step, stepS: run.step,
                terms: PredictionJSON.Terms(breakdown: run.simulated.breakdown), makespanS: run.simulated.makespan,
                boundS: run.simulated.bound.value, gap: run.simulated.gap,
                memoryBytes: run.simulated.memoryBytesOfRank ?? [], command: command(run),
                measuredStepS: isChecked ? check!.steps[index].median : nil,
                error: isChecked ? check!.errors[index] : nil)
        }
    }
}

extension RunOptions {
    /// The flags, of those that describe the work, whose values are not the defaults.
    fileprivate var modelFlags: [String] {
        let standard = RunOptions()
        let numbers: [(String, Int?, Int?)] = [
            ("--n-layers", model.layers, standard.model.layers), ("--n-heads", model.heads, standard.model.heads),
            ("--dim", model.dim, standard.model.dim), ("--ffn", model.ffn, standard.model.ffn),
            ("--vocab-size", model.vocabulary, standard.model.vocabulary),
            ("--seq-len", model.sequenceLength, standard.model.sequenceLength),
            ("--batch-size", batch, standard.batch), ("--seed", seed, standard.seed),
        ]
        var words = model.architecture == standard.model.architecture ? [] : ["--arch \(model.architecture.rawValue)"]
        words += numbers.filter { $0.1 != $0.2 }.compactMap { flag, value, _ in value.map { "\(flag) \($0)" } }
        if transport != standard.transport { words.append("--transport \(transport.rawValue)") }
        if optimizer != standard.optimizer { words.append("--optimizer \(optimizer.rawValue)") }
        if dropout != standard.dropout { words.append("--dropout \(dropout)") }
        if simd != standard.simd { words.append("--simd \(simd.rawValue)") }
        switch gemm {
        case .builtin: break
        case .openBLAS: words.append("--gemm openblas")
        case .library(let path): words.append("--gemm \(path.quotedForShell)")
        }
        return words
    }
}
