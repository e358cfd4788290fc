// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// What ranks do in time as a picture of its own: a row for each rank, a rectangle for each thing that it does.
struct StepChart {
    struct Bar {
        let kind: RankTask.Kind
        /// What stands in it, if there is room: a microbatch's number, or nothing.
        let number: String
        /// Below that, where a rank has several stages.
        let stage: String?
        let start, end: Double
        /// What is told of it when it is pointed at.
        let title: String
        /// What it is called where its number has no room; nothing for what has no name.
        let name: String
    }

    private let label: String
    /// The kinds that there are, with what is said of each.
    private let kinds: [(kind: RankTask.Kind, text: String)]
    private let rows: [[Bar]]
    /// The end of the scale, and how it is told.
    private let end: Double
    private let endText: String
    /// As wide as names in the shortest actions need, within reason.
    private let width: Double

    /// - Parameters:
    ///   - label: the title.
    ///   - kinds: with what the legend says of each.
    ///   - rows: each rank's bars, in the order of time.
    ///   - end: of the scale, which begins at 0.
    ///   - endText: how that is told.
    init(
        _ label: String, kinds: [(kind: RankTask.Kind, text: String)], rows: [[Bar]], end: Double, endText: String
    ) {
        (self.label, self.kinds, self.rows, self.end, self.endText) = (label, kinds, rows, end, endText)
        let named = rows.joined().filter { !$0.number.isEmpty && $0.end > $0.start }
        let shortest = named.map { $0.end - $0.start }.min() ?? 1
        let digits = named.map { $0.number.count + ($0.stage == nil ? 0 : 2) }.max() ?? 1
        width = min(max(end / shortest * Double(10 + 7 * digits), 600), 8000)
    }

    private static let margin = 64.0
    /// Of the title and the legend.
    private static let top = 44.0
    private static let row = 34.0
    private static let bar = 28.0

    /// A file of its own. Its colours are those of the pages.
    var svg: String {
        let height = Self.top + Self.row * Double(rows.count) + 36
        return Markup.svgFile(
            label, width: Int(width + Self.margin + 16), height: height,
            [
                Self.style, ActionPalette.colours.both,
                .rectangle("paper", x: "0", y: 0, width: "100%", height: height),
                .label("title out", x: "8", y: 16, Markup(label)), legend, Markup(rows.indices.map(rank)),
                axis(height),
            ])
    }

    private var legend: Markup {
        Markup(
            kinds.enumerated().map { index, entry in
                let x = 8 + 190 * index
                return [
                    .rectangle(entry.kind.rawValue, x: "\(x)", y: 26, width: "12", height: 12),
                    .label("rank out", x: "\(x + 18)", y: 36, Markup(entry.text)),
                ]
            })
    }

    private static let style = Markup.code(
        "style",
        """
        text { font: 12px sans-serif; fill: #16191d; } .title { font-weight: bold; } .paper { fill: #ffffff; }
        .track { fill: #f3f4f6; } .action { stroke: #ffffff; }
        .name { text-anchor: middle; } .small { font-size: 9px; }
        .tip { display: none; font-weight: bold; pointer-events: none; paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
        .narrow:hover .tip, .narrow:focus .tip { display: inline; } .narrow:focus { outline: none; }
        @media (prefers-color-scheme: dark) {
          .paper { fill: #14171b; } .track { fill: #23282f; } .action { stroke: #14171b; } .out, .tip { fill: #e6e8eb; }
          .tip { stroke: #14171b; }
        }
        """)

    private func x(_ time: Double) -> Double { Self.margin + (end > 0 ? time / end * width : 0) }

    private func rank(_ rank: Int) -> Markup {
        let top = Self.top + Self.row * Double(rank) + 4
        return [
            .label("rank out", x: "8", y: top + 19, Markup("rank \(rank)")),
            .rectangle("track", x: "\(Self.margin)", y: top, width: width.fixed(1), height: Self.bar),
            Markup(rows[rank].map { draw($0, top) }),
        ]
    }

    private func draw(_ bar: Bar, _ top: Double) -> Markup {
        let kind = bar.kind.rawValue
        let length = x(bar.end) - x(bar.start)
        let middle = ((x(bar.start) + x(bar.end)) / 2).fixed(1)
        let number = Markup.label(
            "name in-\(kind)", x: middle, y: top + (bar.stage == nil ? 18 : 13), Markup(bar.number))
        let stage = bar.stage.map { Markup.label("name small in-\(kind)", x: middle, y: top + 24, Markup("s\($0)")) }
        let fits = length >= Double(7 * bar.number.count + 3)
        // One that is too small for its name has it above itself as long as it is pointed at or touched.
        let tip = bar.name.isEmpty ? [] : Markup.label("name tip", x: middle, y: top - 1, Markup(bar.name))
        return .element(
            "g", fits ? [:] : ["class": "narrow", "tabindex": "-1"],
            [
                .element("title", [:], Markup(bar.title)),
                .rectangle(
                    "action \(kind)", x: x(bar.start).fixed(1), y: top, width: length.fixed(1), height: Self.bar),
                fits ? (bar.number.isEmpty ? [] : [number, stage ?? []]) : tip,
            ])
    }

    private func axis(_ height: Double) -> Markup {
        [
            .label("name out", x: "\(Self.margin)", y: height - 12, Markup("0")),
            .label("name out", x: x(end).fixed(1), y: height - 12, Markup(endText)),
        ]
    }
}
