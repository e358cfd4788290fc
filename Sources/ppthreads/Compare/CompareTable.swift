import Pipeline
import Threads

/// A comparison for a person.
struct CompareTable {
    private let comparison: Comparison
    private let options: CompareOptions

    init(_ comparison: Comparison, _ options: CompareOptions) {
        self.comparison = comparison
        self.options = options
    }

    var text: String {
        let verdict = CompareVerdict(comparison)
        return [header, "", speeds, "", terms, "", circumstances, "", verdict.transport, verdict.schedule]
            .joined(separator: "\n") + CompareNotes(comparison).lines.map { "\nnote: \($0)" }.joined()
    }

    private var places: Range<Int> { comparison.candidates.indices }
    private var plan: RunPlan { comparison.candidates[0].plan }

    private func name(_ candidate: Int) -> [String] {
        let candidate = comparison.candidates[candidate]
        return [candidate.schedule.title, candidate.transport.rawValue]
    }

    private var header: String {
        let configuration = plan.configuration
        let threads = configuration.threadsPerRank > 1 ? " of \(configuration.threadsPerRank) threads" : ""
        let trials = counted(options.trials, "trial")
        return "\(configuration.model.name), P=\(plan.schedule.ranks)\(threads), M=\(plan.schedule.microbatches), "
            + "\(configuration.partition.rawValue) partition, \(configuration.simd.rawValue) kernels; \(trials) of "
            + "\(counted(options.run.measure, "step")) each, in turns; 95 % intervals"
            + (options.run.tokenFile.map { "\ndata: \($0.summary)" } ?? "")
    }

    private var speeds: String {
        let header = [
            "", "", "tokens/s", "", "x threads", "", "x GPipe", "", "efficiency", "", "hand-off", "", "asleep",
        ]
        let rows = places.map { place -> [String] in
            let candidate = comparison.candidates[place]
            let tokens = comparison.tokensPerSecond(place)
            let efficiency = comparison.efficiency(place)
            return name(place) + cells(tokens) { $0.grouped }
                + ratio(place, over: comparison.place(candidate.schedule, .threads))
                + ratio(place, over: comparison.place(.gpipe, candidate.transport))
                + cells(efficiency) { "\(($0 * 100).fixed(1)) %" }
                + (comparison.handoffSeconds(place).map { cells($0) { "\(($0 * 1e6).fixed(2)) us" } } ?? ["-", ""])
                + ["\((comparison.parkedShare(place).value * 100).fixed(0)) %"]
        }
        let baseline =
            ["one stage", ""] + cells(comparison.oneStageTokensPerSecond) { $0.grouped }
            + Array(repeating: "", count: 9)
        return TextTable([header] + rows + [baseline], leading: 2).text
    }

    private func ratio(_ place: Int, over other: Int?) -> [String] {
        guard let other else { return ["-", ""] }
        return other == place ? ["1", ""] : cells(comparison.ratio(place, over: other)) { $0.fixed(3) }
    }

    private func cells(_ estimate: Estimate, _ format: (Double) -> String) -> [String] {
        [format(estimate.value), "[\(format(estimate.low)), \(format(estimate.high))]"]
    }

    /// Fit for the longest step.
    private var unit: (name: String, scale: Double) {
        places.allSatisfy { comparison.stepSeconds($0).value < 0.01 } ? ("us", 1e6) : ("ms", 1e3)
    }

    private var terms: String {
        let (unit, scale) = unit
        let header = [unit, "", "step"] + Breakdown.Term.allCases.map(\.rawValue)
        let rows = places.flatMap { place -> [[String]] in
            let step = comparison.stepSeconds(place)
            let figures = [step] + Breakdown.Term.allCases.map { comparison.seconds(place, in: $0) }
            return [
                name(place) + figures.map { ($0.value * scale).fixed(2) },
                ["", ""] + figures.map { "\(($0.value / step.value * 100).fixed(1)) %" },
                ["", ""] + figures.map { "±\((max($0.high - $0.value, $0.value - $0.low) * scale).fixed(2))" },
            ]
        }
        return TextTable([header] + rows, leading: 2).text
    }

    /// What the step would be.
    private var circumstances: String {
        let (unit, scale) = unit
        let header = ["the step in \(unit), if", "", "measured", "transport were free", "stages were equal", "both"]
        let rows = places.map { place -> [String] in
            let other = comparison.whatIf(place)
            return name(place)
                + [comparison.stepSeconds(place).value, other.freeTransport, other.equalStages, other.both].map {
                    ($0 * scale).fixed(2)
                }
        }
        return TextTable([header] + rows, leading: 2).text
    }
}
