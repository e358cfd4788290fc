/// A file of results as a CSV with a row for each group: the columns of the reference study's summary first, in its order and
/// with its meanings, then ours. It is a results CSV itself.
public struct ResultsSummary {
    private let analysis: ResultsAnalysis
    private let settings: [RunSetting]

    public init(_ analysis: ResultsAnalysis) {
        self.analysis = analysis
        let first: Set<RunSetting> = [.layers, .heads, .ranks, .schedule]
        settings = RunSetting.allCases.filter { !first.contains($0) }
    }

    public var text: String {
        let terms = Breakdown.Term.allCases.map { "\($0.rawValue)_s" }
        let header =
            [
                "layers", "heads", "Model Size", "Processes", "schedule", "Tokens per Second", "Average Step Time (s)",
                "Total Time (s)", "Speedup vs GPipe", "Scaling Efficiency (%)",
            ] + settings.map(\.column) + ["True Efficiency (%)", "Runs"] + terms + ["error"]
        var text = header.joined(separator: ",") + "\n"
        for group in analysis.groups {
            for (place, field) in row(group).enumerated() {
                if place > 0 { text += "," }
                text += CSVText.field(field)
            }
            text += "\n"
        }
        return text
    }

    private func row(_ group: Int) -> [String] {
        let results = analysis.results
        let (layers, heads) = (results.text(group, .layers), results.text(group, .heads))
        let names = [
            layers, heads, "\(layers)L-\(heads)H", results.text(group, .ranks), results.text(group, .schedule),
        ]
        let figures = [
            analysis.tokensPerSecond(group)?.value, analysis.stepSeconds(group)?.value,
            analysis.totalSeconds(group)?.value,
            analysis.speedup(group)?.value, analysis.referenceEfficiency(group).map { $0.value * 100 },
        ]
        let breakdown = analysis.breakdown(group)
        let ours = [analysis.efficiency(group).map { $0.value * 100 }].map(Self.figure)
        let terms = Breakdown.Term.allCases.map { term in Self.figure(breakdown?[term]) }
        let failure = results.samples(group).isEmpty ? results.groups[group].failure ?? "" : ""
        return names + figures.map(Self.figure) + settings.map { results.text(group, $0) } + ours
            + [String(results.samples(group).count)] + terms + [failure]
    }

    private static func figure(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
}
