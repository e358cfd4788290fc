// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// A comparison for a person.
struct CompareTable {
    private let figures: ComparisonFigures
    private let options: CompareOptions

    init(_ figures: ComparisonFigures, _ options: CompareOptions) {
        self.figures = figures
        self.options = options
    }

    var text: String {
        let parts = [header, "", speeds, "", terms, "", circumstances, ""] + idle + CompareVerdict(figures).sentences
        return parts.joined(separator: "\n")
            + CompareNotes(figures, orderNotes: options.orderNotes, expecting: options.expectedLink).lines
            .map { "\nnote: \($0)" }.joined()
    }

    private var candidates: [CandidateFigures] { figures.candidates }

    private func name(_ candidate: CandidateFigures) -> [String] {
        [candidate.schedule, candidate.transport.rawValue]
    }

    private var header: String {
        let plan = candidates[0].plan
        let configuration = plan.configuration
        let threads = configuration.threadsPerRank > 1 ? " of \(configuration.threadsPerRank) threads" : ""
        let trials = counted(options.trials, "trial")
        let replicas = plan.schedule.replicas > 1 ? " in \(plan.schedule.replicas) replicas" : ""
        return
            "\(configuration.model.name), P=\(plan.schedule.ranks)\(threads), M=\(plan.schedule.microbatches)\(replicas), "
            + "\(configuration.partition.title) partition, \(configuration.simd.rawValue) kernels; \(trials) of "
            + "\(counted(options.run.measure, "step")) each, in turns; \(CompareNotes.intervals(figures))"
            + (figures.comparison.hasIntervals ? ", ± to the farther end" : "")
            + CompareLayouts(figures).lines.map { "\n\($0)" }.joined()
            + (options.run.tokenFile.map { "\ndata: \($0.summary)" } ?? "")
    }

    private var speeds: String {
        let base = figures.base
        let header = [
            "", "", "tokens/s", "", "x threads", "", "x \(base.name)", "", "efficiency", "", "hand-off", "", "asleep",
        ]
        let rows = candidates.map { candidate -> [String] in
            name(candidate) + cells(candidate.tokensPerSecond) { $0.grouped }
                + ratio(candidate.overThreads) + ratio(base.ratio(candidate))
                + cells(candidate.efficiency, \.percent)
                + (candidate.handoffSeconds.map { cells($0) { "\(($0 * 1e6).fixed(2)) us" } } ?? ["-", ""])
                + ["\((candidate.parkedShare.value * 100).fixed(0)) %"]
        }
        let baseline =
            ["one stage", ""] + cells(figures.oneStageTokensPerSecond) { $0.grouped }
            + Array(repeating: "", count: 9)
        return TextTable([header] + rows + [baseline], leading: 2).text
    }

    private func ratio(_ ratio: CandidateFigures.Ratio?) -> [String] {
        guard let ratio else { return ["-", ""] }
        return ratio.isToItself ? ["1", ""] : cells(ratio.estimate) { $0.fixed(3) }
    }

    private func cells(_ estimate: Estimate, _ format: (Double) -> String) -> [String] {
        [format(estimate.value), estimate.brackets(format) ?? ""]
    }

    /// Fit for the longest step.
    private var unit: (name: String, scale: Double) {
        candidates.allSatisfy { $0.stepSeconds.value < 0.01 } ? ("us", 1e6) : ("ms", 1e3)
    }

    private var terms: String {
        let (unit, scale) = unit
        let terms = figures.terms
        let header = [unit, "", "step"] + terms.map(\.rawValue)
        let rows = candidates.flatMap { candidate -> [[String]] in
            let figures = [candidate.stepSeconds] + terms.map { candidate[$0] }
            let reaches = figures.compactMap(\.reach).map { "±\(($0 * scale).fixed(2))" }
            return [
                name(candidate) + figures.map { ($0.value * scale).fixed(2) },
                ["", ""] + figures.map { ($0.value / candidate.stepSeconds.value).percent },
            ] + (reaches.isEmpty ? [] : [["", ""] + reaches])
        }
        return TextTable([header] + rows, leading: 2).text
    }

    /// Why ranks idle, beside what formulas say of equal stages; nothing on one rank.
    private var idle: [String] {
        if candidates[0].plan.schedule.ranks == 1 { return [] }
        let header = ["ranks idle, in the mean", ""] + IdleColumns.names
        let rows = candidates.map { name($0) + IdleColumns.cells($0).map { $0 ?? "-" } }
        return [TextTable([header] + rows, leading: 2).text, ""]
    }

    /// What the step would be.
    private var circumstances: String {
        let (unit, scale) = unit
        let header = ["the step in \(unit), if", "", "measured", "transport were free", "stages were equal", "both"]
        let rows = candidates.map { candidate -> [String] in
            let other = candidate.whatIf
            let seconds = [candidate.stepSeconds.value, other.freeTransport, other.equalStages, other.both]
            return name(candidate) + seconds.map { ($0 * scale).fixed(2) }
        }
        return TextTable([header] + rows, leading: 2).text
    }
}
