// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Pipeline

/// Results as a page: one file that needs no other and no network, and that can be read without its script.
struct AnalyzePage {
    private let report: AnalyzeReport
    private let arguments: [String]
    private var analysis: ResultsAnalysis { report.analysis }

    /// More rows are slow to lay out and to sort; a summary has all groups.
    private static let most = 1000
    private var groups: Range<Int> { analysis.groups.prefix(Self.most) }

    /// - Parameter arguments: that the command was given, so that the page tells how to repeat it.
    init(_ report: AnalyzeReport, arguments: [String]) {
        self.report = report
        self.arguments = arguments
    }

    var text: String {
        // What a grid says at one glance comes before its long tables.
        let overview = report.plots.plots.filter(\.isOverview).map(\.section)
        let plots = report.plots.plots.filter { !$0.isOverview }.map(\.section)
        return Page.text(
            title: "ppthreads analyze: \(report.path)",
            Markup([title] + overview + [speeds, terms] + plots + [notes, definitions]))
    }

    // MARK: Title

    private var title: Markup {
        .element(
            "header", [:],
            [
                .element("h1", [:], "How fast is each schedule, how well does it scale, and where does the step go?"),
                Page.facts(facts), Page.command("analyze", arguments),
            ])
    }

    private var facts: [(name: String, value: String)] {
        let machines = report.machines
        let others = machines.count > 10 ? ["\((machines.count - 10).grouped) more"] : []
        let results = report.results
        return [
            ("File", report.path), ("Rows", results.rowCount.grouped),
            ("Groups of equal settings", results.groups.count.grouped),
            (
                machines.count == 1 ? "Machine" : "Machines",
                machines.isEmpty ? "not told" : (machines.prefix(10) + others).joined(separator: "; ")
            ),
            ("Analyzed", Date.now.formatted(.iso8601)),
        ] + report.common.filter { $0.name != RunSetting.host.name && $0.name != RunSetting.cpu.name }
    }

    // MARK: Table

    private var speeds: Markup {
        let header =
            settingNames + ["tokens/s", "step, ms", "x GPipe", "efficiency", Term.referenceEfficiency.name]
            + (report.hasRepeats ? [Term.runs.name] : [])
        let caption: Markup =
            report.hasRepeats
            ? "Medians over repeats\(report.intervals)" : "One run of each; a dash where there is no figure"
        return Page.section(
            "speeds", "How fast",
            Page.table(caption, header, groups.map(row), settings: settingNames.count - 1, sortable: true))
    }

    private func row(_ group: Int) -> Markup {
        let runs = Markup.element("td", [:], "\(String(report.results.samples(group).count))")
        let figures = [
            cell(analysis.tokensPerSecond(group)) { $0.tokens },
            cell(analysis.stepSeconds(group)) { ($0 * 1000).fixed(2) }, cell(analysis.speedup(group)) { $0.fixed(3) },
            cell(analysis.efficiency(group)) { $0.percent },
            cell(analysis.referenceEfficiency(group)) { $0.percent },
        ]
        return .element("tr", [:], Markup(settings(group) + figures + (report.hasRepeats ? [runs] : [])))
    }

    private func settings(_ group: Int) -> [Markup] {
        let names = report.names
        let settings = [.ranks, .microbatches, .transport] + names.others
        return [
            Page.rowHead(
                names.schedule(group), settings: [names.model(group)] + settings.map { names.cell(group, $0) },
                brief: names.block(group))
        ]
    }

    private var terms: Markup {
        let groups = groups.filter { analysis.breakdown($0) != nil }
        if groups.isEmpty { return [] }
        let header = settingNames + ["step, ms"] + report.plots.terms.map(\.rawValue)
        let rows = groups.map { group -> Markup in
            let breakdown = analysis.breakdown(group)!
            let shares = report.plots.terms.map { (breakdown.share($0) * 100).fixed(1) }
            let cells = ([(breakdown.step * 1000).fixed(2)] + shares).map { Markup.element("td", [:], Markup($0)) }
            return .element("tr", [:], Markup(settings(group) + cells))
        }
        return Page.section(
            "terms", "Which part of the step each term takes",
            Page.table(
                "The mean step, and its terms in % of it", header, rows, settings: settingNames.count - 1,
                sortable: true))
    }

    private var settingNames: [String] {
        ["schedule", "model", "P", "M", "transport"] + report.names.others.map(\.name)
    }

    private func cell(_ estimate: Estimate?, _ format: (Double) -> String) -> Markup {
        estimate.map { Page.cell($0, format) } ?? Page.noFigure
    }

    // MARK: Notes and definitions

    private var notes: Markup {
        let lines = report.notes(told: groups) + report.results.problems.map(\.description)
        if lines.isEmpty { return [] }
        let items = lines.map { Markup.element("li", [:], Page.prose($0)) }
        return Page.section("notes", "What is missing, and what was left out", .element("ul", [:], Markup(items)))
    }

    private var definitions: Markup {
        let terms = report.hasTerms ? report.plots.terms.map(Page.definition) : []
        let others = Self.meanings.map { Page.definition($0.name, $0.meaning) }
        return Page.section(
            "definitions", "What the figures mean",
            .element("dl", ["class": "definitions"], Markup(others + terms)))
    }

    private static let meanings: [(name: Markup, meaning: Markup)] = [
        ("tokens/s", "The file's column tokens_per_s: batch x sequence length over the mean step of a run."),
        ("step", "The file's column avg_step_time_s: the mean over the measured steps of a run."),
        (
            "x GPipe",
            "Tokens/s over those of GPipe with all other settings the same: model, P, M, transport, machine and the rest."
        ),
        (
            "efficiency",
            "True scaling efficiency: tokens/s over P times those of the same model on one stage, at the same M and threads."
        ),
        (
            "reference efficiency",
            "Speedup vs GPipe over P. The PyTorch reference study calls it scaling efficiency; GPipe has 100/P % of it by construction, so it says nothing about scaling."
        ),
        (
            "runs, interval",
            "Rows that differ in their repeat alone are one sample: figures are medians, with 95\u{A0}% intervals: where the true median is, whatever the noise is like. Those of all x GPipe hold together: one of them or more misses in at most 5\u{A0}% of such files. Of groups with the same repeats, ratios are within a repeat. Of rows with the same repeat the newest counts. Fewer than \(Estimate.countLeast) runs are too few for an interval."
        ),
        (
            "ideal",
            "M / (M + P - 1) for GPipe and 1F1B, vM / (vM + P - 1) for v stages a rank: the part of the step in which a rank works when stages are equal and hand-offs are free."
        ),
    ]
}
