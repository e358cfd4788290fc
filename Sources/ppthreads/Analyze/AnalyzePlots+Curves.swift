// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline

extension AnalyzePlots {
    // MARK: Tokens/s against M

    private static let panelHeight = 250.0
    private static let panelTop = 50.0
    private static let panelGap = 60.0
    private static let panelPitch = panelTop + panelHeight + panelGap

    /// A panel for each model, P and transport of which there are several M.
    func tokensByMicrobatches() -> Outcome {
        let groups = analysis.groups.filter {
            analysis.tokensPerSecond($0) != nil && analysis.results.count($0, .microbatches) != nil
                && analysis.ranks($0) > 1
        }
        let panels = alike(groups, but: [.microbatches, .schedule, .virtualStages]).filter { panel in
            Set(panel.compactMap(microbatches)).count > 1
        }
        if panels.isEmpty { return .none("no model has runs with several M at the same P and transport") }
        let content = panels.enumerated().map { index, groups in
            panel(groups, top: Double(index) * Self.panelPitch)
        }
        let hasIdeal = panels.joined().contains { analysis.idealTokensPerSecond($0, virtualStages: 1) != nil }
        return .plot(
            Plot(
                id: "microbatches", title: "Tokens/s against the number of microbatches",
                note: (hasIdeal
                    ? "Dashed: P times the tokens/s of one stage at that M, times M / (M + P - 1)."
                    : "Without one-stage runs the ideal curve is not known.") + whiskers(panels.joined()),
                legend: names.legend(panels.joined()) + (hasIdeal ? [("ideal", "ideal")] : []),
                height: Double(panels.count) * Self.panelPitch - Self.panelGap,
                content: Markup(content)))
    }

    private func microbatches(_ group: Int) -> Int? { analysis.results.count(group, .microbatches) }

    private func panel(_ groups: [Int], top: Double) -> Markup {
        let all = Set(groups.compactMap(microbatches)).sorted()
        let highs = groups.flatMap {
            [analysis.tokensPerSecond($0)!.end, analysis.idealTokensPerSecond($0, virtualStages: 1) ?? 0]
        }
        let area = PlotArea(
            top: top + Self.panelTop, height: Self.panelHeight, x: (log2(Double(all[0])), log2(Double(all.last!))),
            y: (0, highs.max()! * 1.05))
        let series = Dictionary(grouping: groups, by: names.schedule).sorted { $0.value[0] < $1.value[0] }
        return [
            Heading("tokens/s; \(names.block(groups[0], hasMicrobatches: false))").drawing(bottom: area.top - 20),
            area.grid,
            Markup(
                all.map { .label("tick", x: area.x(log2(Double($0))), y: area.bottom + 16, "\(String($0))") }),
            .label("axis", x: "50%", y: area.bottom + 36, "M, microbatches (logarithmic)"),
            ideal(groups, area),
            Markup(series.enumerated().map { curve($1.value, shift: Double($0) - Double(series.count - 1) / 2, area) }),
        ]
    }

    /// The ideal at each M of which there is a one-stage run.
    private func ideal(_ groups: [Int], _ area: PlotArea) -> Markup {
        var points: [Int: Double] = [:]
        for group in groups { points[microbatches(group)!] = analysis.idealTokensPerSecond(group, virtualStages: 1) }
        return area.line("ideal", points.sorted { $0.key < $1.key }.map { (log2(Double($0.key)), $0.value) })
    }

    /// - Parameter shift: how far to the side its marks are drawn, so that those of several schedules can be told apart.
    private func curve(_ groups: [Int], shift: Double, _ area: PlotArea) -> Markup {
        let style = names.style(groups[0])
        let sorted = groups.sorted { microbatches($0)! < microbatches($1)! }
        let aside = shift * (area.x.end - area.x.start) * 0.012
        let points = sorted.map { (log2(Double(microbatches($0)!)) + aside, analysis.tokensPerSecond($0)!) }
        let marks = zip(sorted, points).map { group, point in
            let tokens = point.1.text { $0.grouped }
            return area.point(style, point.0, point.1, "\(names.full(group))\ntokens/s  \(tokens)")
        }
        return [area.line("series \(style)", points.map { ($0.0, $0.1.value) }), Markup(marks)]
    }

    // MARK: The formula

    /// The step that the simple formula predicts, against the measured one.
    func formula() -> Outcome {
        let groups = analysis.groups.filter {
            analysis.ranks($0) > 1 && analysis.idealStepSeconds($0) != nil && analysis.stepSeconds($0) != nil
        }
        if groups.isEmpty {
            return .none("no one-stage run has the same model, M and threads as a run with more ranks")
        }
        let end = groups.map { analysis.idealStepSeconds($0)! }.max()! * 1080
        let measured = groups.map { analysis.stepSeconds($0)!.end }.max()! * 1080
        let area = PlotArea(top: 22, height: 400, x: (0, end), y: (0, max(end, measured)), inset: 0)
        let scale = Scale(end: end, unit: "ms")
        let points = groups.map { group -> Markup in
            let (predicted, measured) = (analysis.idealStepSeconds(group)! * 1000, analysis.stepSeconds(group)! * 1000)
            let details = """
                \(names.full(group))
                predicted  \(predicted.fixed(2)) ms
                measured   \(measured.text { $0.fixed(2) }) ms
                """
            return area.point(names.style(group), predicted, measured, details)
        }
        let ticks = scale.ticks.map { value, text in
            Markup.label("tick", x: area.x(value), y: area.bottom + 16, value == 0 ? "0 ms" : Markup(text))
        }
        return .plot(
            Plot(
                id: "formula", title: "The simple formula against the measured step",
                note:
                    "Predicted: the one-stage step over P, times (vM + P - 1) / vM, with v = 1 for GPipe and 1F1B. On the dashed line both are equal; above it, the step takes longer than the formula says.\(whiskers(groups))",
                legend: names.legend(groups), height: area.bottom,
                content: [
                    .label("aside", x: "0", y: 12, "measured step (ms)"), area.grid, Markup(ticks),
                    .label("axis", x: "50%", y: area.bottom + 36, "predicted step (ms)"),
                    area.line("ideal", [(0, 0), (end, end)]), Markup(points),
                ]))
    }
}

/// An area for points and lines: across, in parts of the width; down, in pixels.
package struct PlotArea {
    let top: Double
    let height: Double
    let x: (start: Double, end: Double)
    let y: (start: Double, end: Double)
    /// Percent of the width that stay free on the left and on the right, for numbers and marks.
    var inset = 9.0

    package init(
        top: Double, height: Double, x: (start: Double, end: Double), y: (start: Double, end: Double),
        inset: Double = 9
    ) {
        (self.top, self.height, self.x, self.y, self.inset) = (top, height, x, y, inset)
    }

    var bottom: Double { top + height }

    func x(_ value: Double) -> String {
        let part = x.end > x.start ? (value - x.start) / (x.end - x.start) : 0.5
        return "\((inset + part * (100 - 2 * inset)).fixed(3))%"
    }

    func y(_ value: Double) -> Double { bottom - (value - y.start) / (y.end - y.start) * height }

    /// Lines from left to right at round values, each with its value above its start.
    package var grid: Markup {
        Markup(
            Scale(end: y.end, unit: "").ticks(from: y.start).map { value, text -> Markup in
                [
                    .line("grid", from: ("0", y(value)), to: ("100%", y(value))),
                    value == 0 ? [] : .label("aside", x: "0", y: y(value) - 4, Markup(text)),
                ]
            })
    }

    package func line(_ style: String, _ points: [(x: Double, y: Double)]) -> Markup {
        Markup(
            zip(points, points.dropFirst()).map { start, end in
                .line(style, from: (x(start.x), y(start.y)), to: (x(end.x), y(end.y)))
            })
    }

    package func point(_ style: String, _ x: Double, _ estimate: Estimate, _ details: String) -> Markup {
        let whisker = estimate.interval.map { interval in
            Markup.line(
                "series \(style)", from: (self.x(x), y(interval.lowerBound)), to: (self.x(x), y(interval.upperBound)))
        }
        return .mark(
            details,
            [
                .circle("hit", x: self.x(x), y: y(estimate.value), radius: 11),
                whisker ?? [],
                .circle("solid point \(style)", x: self.x(x), y: y(estimate.value), radius: 5),
            ])
    }
}
