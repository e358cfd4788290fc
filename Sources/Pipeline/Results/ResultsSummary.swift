// SPDX-License-Identifier: Apache-2.0

/// A file of results as a CSV with a row for each group: the columns of the reference study's summary first, in its order and
/// with its meanings, then ours. It is a results CSV itself.
public struct ResultsSummary {
    private let analysis: ResultsAnalysis
    private let settings: [RunSetting]

    /// Writes nothing; `pieces` makes the text.
    public init(_ analysis: ResultsAnalysis) {
        self.analysis = analysis
        let first: Set<RunSetting> = [.layers, .heads, .ranks, .schedule]
        settings = RunSetting.allCases.filter { !first.contains($0) }
    }

    /// The file in pieces, so that a large one is never in memory as a whole.
    public var pieces: some Sequence<String> {
        let groups = analysis.groups
        return stride(from: 0, to: groups.count, by: 1000).lazy.map { start in
            (start == 0 ? header : "") + rows(groups[start..<Swift.min(start + 1000, groups.count)])
        }
    }

    private var header: String {
        let terms = Breakdown.Term.allCases.map { "\($0.rawValue)_s" }
        let columns =
            [
                "layers", "heads", "Model Size", "Processes", "schedule", "Tokens per Second", "Average Step Time (s)",
                "Total Time (s)", "Speedup vs GPipe", "Scaling Efficiency (%)",
            ] + settings.map(\.name) + ["True Efficiency (%)", "Runs"] + terms + ["error"]
        return columns.joined(separator: ",") + "\n"
    }

    private func rows(_ groups: Range<Int>) -> String {
        var text = ""
        for group in groups { append(group, to: &text) }
        return text
    }

    private func append(_ group: Int, to text: inout String) {
        let results = analysis.results
        func add(_ field: String) {
            text += CSVText.field(field)
            text += ","
        }
        func add(_ figure: Double?) {
            if let figure { text += figure.description }
            text += ","
        }
        let (layers, heads) = (results.text(group, .layers), results.text(group, .heads))
        add(layers)
        add(heads)
        add("\(layers)L-\(heads)H")
        add(results.text(group, .ranks))
        add(results.text(group, .schedule))
        add(analysis.tokensPerSecond(group)?.value)
        add(analysis.stepSeconds(group)?.value)
        add(analysis.totalSeconds(group)?.value)
        add(analysis.speedup(group)?.value)
        add(analysis.referenceEfficiency(group).map { $0.value * 100 })
        for setting in settings { add(results.text(group, setting)) }
        add(analysis.efficiency(group).map { $0.value * 100 })
        let runs = results.samples(group).count
        add(String(runs))
        let breakdown = analysis.breakdown(group)
        for term in Breakdown.Term.allCases { add(breakdown?[term]) }
        text += CSVText.field(runs == 0 ? results.failure(group) ?? "" : "") + "\n"
    }
}
