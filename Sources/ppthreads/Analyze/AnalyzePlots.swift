// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// The plots that a file of results has the figures for, and why the others are left out.
struct AnalyzePlots {
    private(set) var plots: [Plot] = []
    private(set) var leftOut: [String] = []
    let analysis: ResultsAnalysis
    let names: AnalyzeNames
    /// Those that a step of the file can have, and of these all but the work itself.
    let terms, lostTerms: [Breakdown.Term]

    /// Names of all plots that there can be, in their order.
    static let ids = ["layers", "losses", "speedup", "efficiency", "breakdown", "microbatches", "formula"]

    /// Groups above which a plot is no longer one to look at.
    private static let most = 400

    init(_ analysis: ResultsAnalysis, _ names: AnalyzeNames) {
        self.analysis = analysis
        self.names = names
        let results = analysis.results
        terms = Breakdown.Term.all(
            withCopies: results.groups.contains { results.samples($0).contains { ($0.breakdown?.reduction ?? 0) != 0 } }
        )
        lostTerms = terms.filter { $0 != .work }
        if analysis.groups.count > Self.most {
            leftOut = [
                "\(Self.ids.joined(separator: ", ")): \(analysis.groups.count.grouped) groups are more "
                    + "than the \(Self.most) that a plot can show; --summary FILE writes their figures"
            ]
            return
        }
        add("layers", speedupByLayers)
        add("losses", losses)
        add("speedup", speedup)
        add("efficiency", efficiency)
        add("breakdown", breakdown)
        add("microbatches", tokensByMicrobatches)
        add("formula", formula)
    }

    /// A plot, or the reason why there is none.
    enum Outcome {
        case plot(Plot)
        case none(String)
    }

    private mutating func add(_ id: String, _ make: () -> Outcome) {
        require(Self.ids.contains(id), "\(id) is no plot's name")
        switch make() {
        case .plot(let plot): plots.append(plot)
        case .none(let reason): leftOut.append("\(id): \(reason)")
        }
    }

    // MARK: Speedup

    private func speedup() -> Outcome {
        let blocks = compared { analysis.speedup($0) != nil }
        if blocks.isEmpty {
            return .none("no GPipe run has another schedule beside it at the same model, P, M and transport")
        }
        let groups = blocks.joined().filter { analysis.speedup($0) != nil }
        let rows = blocks.flatMap { block -> [BarChart.Row] in
            [.heading(names.block(block[0]))]
                + block.map { group in
                    guard let speedup = analysis.speedup(group) else { return gap(group) }
                    return bar(group, speedup, "speedup", "solid \(names.style(group))") { $0.fixed(3) }
                }
        }
        let most = groups.compactMap { analysis.speedup($0)?.end }.max()!
        let chart = BarChart(
            rows: rows, scale: Scale(end: most * 1.2, unit: ""), axis: "speedup vs GPipe (ratio of tokens/s)",
            reference: 1)
        return .plot(
            Plot(
                id: "speedup", title: "Speedup vs GPipe",
                note:
                    "Tokens/s over those of GPipe at the same settings; the dashed line is GPipe itself.\(whiskers(groups))",
                legend: names.legend(groups), height: chart.height, content: chart.content))
    }

    /// Blocks with at least two groups that have a figure, with all of their groups.
    private func compared(_ has: (Int) -> Bool) -> [[Int]] {
        analysis.blocks.map(Array.init).filter { block in block.count { has($0) } > 1 }
    }

    // MARK: Efficiency

    private func efficiency() -> Outcome {
        let groups = analysis.groups.filter { group in
            analysis.ranks(group) > 1 && (analysis.efficiency(group) ?? analysis.referenceEfficiency(group)) != nil
        }
        if groups.isEmpty { return .none("no group has a one-stage run or a GPipe run to compare with") }
        let rows = blocks(groups).flatMap { block in
            [BarChart.Row.heading(names.block(block[0]))] + block.flatMap(efficiencyBars)
        }
        let highs = groups.map { max(analysis.efficiency($0)?.end ?? 0, analysis.referenceEfficiency($0)?.end ?? 0) }
        let chart = BarChart(
            rows: rows, scale: Scale(end: max(1, highs.max()!) * 117, unit: "%"),
            axis: "efficiency (%)", reference: 100)
        let isTrue = groups.contains { analysis.efficiency($0) != nil }
        return .plot(
            Plot(
                id: "efficiency", title: "Scaling efficiency",
                note: (isTrue
                    ? "Filled: tokens/s over P times those of one stage. "
                    : "No one-stage run is in the file, so true scaling efficiency is not known. ")
                    + "Outlined: reference efficiency, which is speedup vs GPipe over P and 100/P % for GPipe by construction.\(whiskers(groups))",
                legend: names.legend(groups) + [("outline schedule-other-key", "reference efficiency (speedup / P)")],
                height: chart.height, content: chart.content))
    }

    private func efficiencyBars(_ group: Int) -> [BarChart.Row] {
        let style = names.style(group)
        var rows: [BarChart.Row] = []
        if let efficiency = analysis.efficiency(group) {
            rows.append(bar(group, efficiency * 100, "scaling efficiency", "solid \(style)") { "\($0.fixed(1)) %" })
        }
        if let reference = analysis.referenceEfficiency(group) {
            rows.append(
                bar(group, reference * 100, "reference efficiency", "outline \(style)", height: 9) {
                    "\($0.fixed(1)) %"
                })
        }
        return rows
    }

    // MARK: Breakdown

    private func breakdown() -> Outcome {
        let groups = analysis.groups.filter { analysis.breakdown($0) != nil }
        if groups.isEmpty { return .none("the file has no columns work_s to optimizer_s, or they are empty") }
        let rows = blocks(groups).flatMap { block in
            [BarChart.Row.heading(names.block(block[0]))] + block.flatMap(termBar)
        }
        let ends = groups.map { max(analysis.breakdown($0)!.step, analysis.stepSeconds($0)?.end ?? 0) }
        let chart = BarChart(
            rows: rows, scale: Scale(end: ends.max()! * 1010, unit: "ms"), axis: "step time (ms)")
        return .plot(
            Plot(
                id: "breakdown", title: "Where the step goes",
                note:
                    "The mean step of each group, cut into terms that add up to it.\(whiskers(groups, "The line on a bar is the median step's 95\u{A0}% interval."))",
                legend: terms.map { ($0.rawValue, $0.rawValue) }, height: chart.height,
                content: chart.content))
    }

    private func termBar(_ group: Int) -> [BarChart.Row] {
        let breakdown = analysis.breakdown(group)!
        return [
            .caption(names.schedule(group), value: breakdown.step.milliseconds),
            .bar(
                BarChart.Bar(
                    pieces: terms.map { ($0.rawValue, breakdown[$0] * 1000) },
                    interval: (analysis.stepSeconds(group).map { $0 * 1000 })?.interval, value: "",
                    details: termDetails(group, breakdown), height: 20)),
        ]
    }

    private func termDetails(_ group: Int, _ breakdown: Breakdown) -> String {
        let rows = terms.map { ($0.rawValue, breakdown[$0]) } + [("step", breakdown.step)]
        let cells = rows.map { name, seconds in
            [name, seconds.milliseconds, "\((seconds / breakdown.step * 100).fixed(2)) %"]
        }
        return "\(names.full(group))\n" + TextTable(cells, leading: 1).text
    }

    // MARK: Parts

    /// Groups that differ in their schedule alone.
    func blocks(_ groups: [Int]) -> [[Int]] {
        let kept = Set(groups)
        return analysis.blocks.map { $0.filter(kept.contains) }.filter { !$0.isEmpty }
    }

    private func gap(_ group: Int) -> BarChart.Row {
        let reason = analysis.results.failure(group) ?? "no figure"
        return .bar(
            BarChart.Bar(
                pieces: [], interval: nil, value: "\(names.schedule(group)): no run",
                details: "\(names.full(group))\n\(reason)"))
    }

    private func bar(
        _ group: Int, _ estimate: Estimate, _ what: String, _ style: String, height: Double = 16,
        _ format: (Double) -> String
    ) -> BarChart.Row {
        .bar(
            BarChart.Bar(
                pieces: [(style, estimate.value)], interval: estimate.interval, value: format(estimate.value),
                details: "\(names.full(group))\n\(what)  \(estimate.text(format))", height: height))
    }

    /// What the lines on bars mean, if there are any.
    func whiskers(_ groups: some Sequence<Int>, _ text: String = "Lines are 95\u{A0}% intervals.") -> String {
        groups.contains { analysis.results.samples($0).count >= Estimate.countLeast } ? " " + text : ""
    }
}
