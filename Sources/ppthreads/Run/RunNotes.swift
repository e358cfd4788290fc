// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline
import Threads

/// What a person should know before taking a run's figures at their word.
package struct RunNotes {
    private let figures: RunFigures
    private let options: RunOptions

    package init(_ figures: RunFigures, _ options: RunOptions) {
        self.figures = figures
        self.options = options
    }

    private var result: RunResult { figures.result }
    private var plan: RunPlan { result.plan }

    var lines: [String] {
        let first = [options.data == nil ? randomTokens : nil, plan.schedule.remark.map { "\($0): \(interleaving)" }]
        let then = [
            plan.configuration.linkNote, options.expectation(figures), clocks, diverged, saved, rounding,
            plan.placement.note, unevenShares,
        ]
        return first.compactMap(\.self) + options.notes(of: [options.schedule]) + plan.configuration.fileNotes
            + then.compactMap(\.self)
            + result.ranks.flatMap(Self.refusals) + figures.remarks
    }

    /// Of `--expect-link`.
    var expectedStep: Double? { options.network.expected.flatMap(figures.expectedStep) }

    /// How far ranks' clocks were apart, where they have several.
    private var clocks: String? {
        let others = result.clocks.enumerated().filter { !$0.element.isNone }
        if others.isEmpty { return nil }
        let list = others.map { "rank \($0.offset) by \(Double($0.element.ahead) / 1e9) s" }.joined(separator: ", ")
        let error = Double(others.map(\.element.error).max()!) / 1000
        return
            "clocks of other hosts were ahead of rank 0's, \(list); times are told by rank 0's, to \(error.fixed(1)) us"
    }

    private var diverged: String? {
        guard let step = result.losses.firstIndex(where: { !$0.isFinite }) else { return nil }
        return "the loss is no finite number from step \(step + 1) of \(result.steps) on: a smaller --lr may help"
    }

    /// What a file of weights has lost.
    private var saved: String? {
        guard options.save != nil, options.saveType != .f32, let weights = result.weights else { return nil }
        let beyond = weights.countBeyond(options.saveType)
        let infinite = beyond > 0 ? ", and \(counted(beyond, "value")) beyond its range to infinity" : ""
        return "--save: the weights were rounded from fp32 to \(options.saveType.rawValue)\(infinite)"
    }

    private var rounding: String? {
        guard case .toRounding(let reason) = plan.facts.bits else { return nil }
        return "results are those of one stage to rounding, not to the bit: \(reason)"
    }

    /// What the losses can tell. An attention without a mask sees the targets among the tokens, and in the end learns to copy.
    private var randomTokens: String {
        let vocabulary = plan.configuration.model.vocabulary
        let guess = "ln \(vocabulary) = \(log(Double(vocabulary)).fixed(2))"
        let meaning =
            options.model.architecture == .gpt
            ? "the loss cannot stay below a guess's, \(guess)"
            : "a guess's loss is \(guess), and only an attention that copies the targets, which no mask hides, gets below it"
        return "tokens are random: \(meaning); --data FILE trains on a text"
    }

    /// What there is to interleave, where nothing was.
    private var interleaving: String {
        let (schedule, configuration) = (plan.schedule, plan.configuration)
        let isUniform = configuration.partition == .uniform
        let parts = isUniform ? options.model.layers : configuration.model.units.count
        let what = counted(parts, isUniform ? "layer" : "unit")
        let ranks = schedule.ranks / schedule.replicas
        let most = min(parts / ranks, Limits.virtualStages.upperBound)
        return most > 1 && ranks > 1
            ? "--virtual-stages takes up to \(most) here (\(what) on \(counted(ranks, "rank")))"
            : "\(what) on \(counted(ranks, "rank")) \(parts == 1 ? "leaves" : "leave") nothing to interleave"
    }

    private var unevenShares: String? {
        let shares = plan.productShareOfRank
        guard let most = shares.max(), plan.configuration.partition == .uniform, most * Double(shares.count) > 1.1
        else { return nil }
        return "uniform layers give rank \(shares.firstIndex(of: most)!) \((most * 100).fixed(0)) % of the work (even "
            + "would be \((100 / Double(shares.count)).fixed(0)) %); --partition balanced cuts finer"
    }

    private static func refusals(_ report: RankReport) -> [String] {
        report.pinnings.compactMap { pinning in
            guard case .refused(let cpu, let error) = pinning else { return nil }
            return "rank \(report.rank) could not be pinned to CPU \(cpu): \(error)"
        }
    }
}
