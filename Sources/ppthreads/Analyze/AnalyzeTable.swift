// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Results for a person.
struct AnalyzeTable {
    private let report: AnalyzeReport
    private var analysis: ResultsAnalysis { report.analysis }

    /// A larger file does not flood the terminal; a summary has all groups.
    private static let most = 200
    private var groups: Range<Int> { analysis.groups.prefix(Self.most) }

    init(_ report: AnalyzeReport) { self.report = report }

    var lines: [String] {
        let common = report.common.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
        let counts =
            "\(report.path): \(AnalyzeReport.count(report.results.rowCount, "row")), "
            + "\(AnalyzeReport.count(report.results.groups.count, "group")) of equal settings"
        let interval = report.hasRepeats ? "; medians over repeats\(report.intervals)" : ""
        return [counts + interval, common.isEmpty ? "" : "all with \(common)", ""] + table
            + report.notes(told: groups).map { "note: \($0)" }
    }

    private var table: [String] {
        TextTable([header] + groups.map(row), leading: 5 + report.names.others.count).lines
    }

    private var header: [String] {
        let figures = ["tokens/s", "step, ms", "x GPipe"].flatMap { report.hasRepeats ? [$0, ""] : [$0] }
        return ["model", "P", "M", "transport", "schedule"] + report.names.others.map(\.name)
            + (report.hasRepeats ? ["runs"] : []) + figures + ["efficiency", "reference eff."]
            + (report.hasTerms ? report.plots.lostTerms.map { "\($0.rawValue), %" } : [])
    }

    private func row(_ group: Int) -> [String] {
        let names = report.names
        let settings = [
            names.model(group), names.cell(group, .ranks), names.cell(group, .microbatches),
            names.cell(group, .transport),
            names.schedule(group),
        ]
        let breakdown = analysis.breakdown(group)
        let terms = report.plots.lostTerms.map { term in
            breakdown.map { ($0.share(term) * 100).fixed(1) } ?? "-"
        }
        return settings + names.others.map { names.cell(group, $0) }
            + (report.hasRepeats ? [String(report.results.samples(group).count)] : [])
            + cells(analysis.tokensPerSecond(group)) { $0.tokens }
            + cells(analysis.stepSeconds(group)) { ($0 * 1000).fixed(2) }
            + cells(analysis.speedup(group)) { $0.fixed(3) }
            + [analysis.efficiency(group), analysis.referenceEfficiency(group)].map {
                $0?.value.percent ?? "-"
            } + (report.hasTerms ? terms : [])
    }

    private func cells(_ estimate: Estimate?, _ format: (Double) -> String) -> [String] {
        guard let estimate else { return report.hasRepeats ? ["-", ""] : ["-"] }
        return [format(estimate.value)] + (report.hasRepeats ? [estimate.brackets(format) ?? ""] : [])
    }
}

extension Double {
    /// Tokens per second: whole ones, unless there are few.
    var tokens: String { self < 1000 ? fixed(1) : grouped }
}
