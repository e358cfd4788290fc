// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What a grid of models says at one glance: several models share a panel or a bar.
extension AnalyzePlots {
    // MARK: Speedup against layers

    private static let panelHeight = 170.0
    private static let panelTop = 46.0
    private static let panelPitch = panelTop + panelHeight + 60

    /// A panel for each P, M and transport of which there are models with several numbers of layers; all on one scale.
    func speedupByLayers() -> Outcome {
        let groups = analysis.groups.filter { analysis.ranks($0) > 1 && !isGPipe($0) && analysis.speedup($0) != nil }
        let panels = alike(groups, but: [.layers, .heads, .schedule, .virtualStages]).filter { panel in
            Set(panel.map(layers)).count > 1
        }
        if panels.isEmpty { return .none("no schedule has a speedup vs GPipe at several numbers of layers") }
        let speedups = panels.joined().map { analysis.speedup($0)! }
        let (low, high) = (min(1, speedups.map(\.start).min()!), max(1, speedups.map(\.end).max()!))
        let margin = max(0.02, (high - low) * 0.12)
        let content = panels.enumerated().map { index, groups in
            layersPanel(groups, top: Double(index) * Self.panelPitch, y: (low - margin, high + margin))
        }
        let isPlain = panels.joined().contains {
            analysis.results.text($0, .schedule) == "interleaved" && analysis.results.count($0, .virtualStages) == 1
        }
        return .plot(
            Plot(
                id: "layers", title: "Speedup vs GPipe against the number of layers",
                note:
                    "A point for each model, a line through their medians; the dashed line is GPipe. The scale does not begin at 0.\(isPlain ? " Where P is the number of layers, Interleaved-1F1B has one stage a rank and is 1F1B." : "")\(whiskers(panels.joined()))",
                legend: names.legend(panels.joined()) + [("ideal", "GPipe")],
                height: Double(panels.count) * Self.panelPitch - 60, content: Markup(content), isOverview: true))
    }

    private func layers(_ group: Int) -> Int { analysis.results.count(group, .layers)! }
    private func isGPipe(_ group: Int) -> Bool { analysis.results.text(group, .schedule) == "gpipe" }

    private func layersPanel(_ groups: [Int], top: Double, y: (start: Double, end: Double)) -> Markup {
        let all = Set(groups.map(layers)).sorted()
        let area = PlotArea(
            top: top + Self.panelTop, height: Self.panelHeight, x: (Double(all[0]), Double(all.last!)), y: y)
        let series = Dictionary(grouping: groups, by: names.style).values.sorted { $0[0] < $1[0] }
        let ticks = all.map { layers in
            Markup.label("tick", x: area.x(Double(layers)), y: area.bottom + 16, Markup(layersTick(layers, groups)))
        }
        return [
            Heading("speedup; \(names.block(groups[0], model: ""))").drawing(bottom: area.top - 16), area.grid,
            Markup(ticks),
            .label("axis", x: "50%", y: area.bottom + 36, "layers (v: stages a rank of Interleaved-1F1B)"),
            .line("ideal", from: ("0", area.y(1)), to: ("100%", area.y(1))),
            Markup(
                series.enumerated().map { index, groups in
                    layersCurve(groups, shift: Double(index) - Double(series.count - 1) / 2, area)
                }),
        ]
    }

    /// A number of layers, with the v that Interleaved-1F1B has there.
    private func layersTick(_ layers: Int, _ groups: [Int]) -> String {
        let interleaved = groups.filter {
            self.layers($0) == layers && analysis.results.text($0, .schedule) == "interleaved"
        }
        let v = Set(interleaved.compactMap { analysis.results.count($0, .virtualStages) })
        return v.count == 1 ? "\(layers) (v=\(v.first!))" : "\(layers)"
    }

    /// - Parameter shift: how far to the side its marks are drawn, so that those of several schedules can be told apart.
    private func layersCurve(_ groups: [Int], shift: Double, _ area: PlotArea) -> Markup {
        let style = names.style(groups[0])
        func x(_ layers: Int) -> Double { Double(layers) + shift * (area.x.end - area.x.start) * 0.012 }
        let medians = Dictionary(grouping: groups, by: layers).map { layers, groups in
            (x: x(layers), y: Statistics(groups.map { analysis.speedup($0)!.value }).median)
        }
        let marks = groups.map { group in
            let speedup = analysis.speedup(group)!
            let details = "\(names.full(group))\nspeedup  \(speedup.text { $0.fixed(3) })"
            return area.point(style, x(layers(group)), speedup, details)
        }
        return [area.line("series \(style)", medians.sorted { $0.x < $1.x }), Markup(marks)]
    }

    // MARK: Losses

    /// Of each step the part that is no work, in means over models that differ in their heads alone.
    func losses() -> Outcome {
        let groups = analysis.groups.filter { analysis.ranks($0) > 1 && analysis.breakdown($0) != nil }
        if groups.isEmpty { return .none("no group of several ranks has terms") }
        let pools = alike(groups, but: [.heads])
        let bars = Dictionary(uniqueKeysWithValues: pools.map { ($0[0], lossBar($0)) })
        let rows = alike(pools.map { $0[0] }, but: [.schedule, .virtualStages]).flatMap { alike -> [BarChart.Row] in
            [.heading(names.block(alike[0], model: "\(layers(alike[0])) layers"))] + alike.map { .bar(bars[$0]!) }
        }
        let most = bars.values.map { $0.pieces.reduce(0) { $0 + $1.length } }.max()!
        let chart = BarChart(
            rows: rows, scale: Scale(end: max(1, most) * 1.8, unit: "%"), axis: "lost, in % of the step")
        let isPooled = pools.contains { $0.count > 1 }
        return .plot(
            Plot(
                id: "losses", title: "What is lost, by term",
                note:
                    "The part of the mean step that is not work\(isPooled ? ", in means over models with other heads" : "").",
                legend: lostTerms.map { ($0.rawValue, $0.rawValue) }, height: chart.height,
                content: chart.content, isOverview: true))
    }

    private func lossBar(_ groups: [Int]) -> BarChart.Bar {
        let breakdowns = groups.map { analysis.breakdown($0)! }
        let pieces = lostTerms.map { term in
            (style: term.rawValue, length: Statistics(breakdowns.map { $0[term] / $0.step * 100 }).mean)
        }
        let lost = pieces.reduce(0) { $0 + $1.length }
        let cells = (pieces + [("lost", lost)]).map { ["\($0.style)", "\($0.length.fixed(2)) %"] }
        let details = groups.map(names.full).joined(separator: "\n") + "\n" + TextTable(cells, leading: 1).text
        return BarChart.Bar(
            pieces: pieces, interval: nil, value: "\(lost.fixed(1)) % \(names.schedule(groups[0]))", details: details)
    }

    /// Groups that have the same settings, some aside, together; in the order of the first of each.
    func alike(_ groups: [Int], but others: [RunSetting]) -> [[Int]] {
        groups.reduce(into: [[Int]]()) { sets, group in
            let index = sets.firstIndex { analysis.areAlike($0[0], group, but: others) }
            if let index { sets[index].append(group) } else { sets.append([group]) }
        }
    }
}
