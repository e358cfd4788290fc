// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// An order in time as a picture: a row for each rank, a rectangle for each action.
package struct OrderChart {
    private let times: OrderTimes
    /// As wide as names in the shortest actions need, within reason.
    private let width: Double
    private let hasStages: Bool

    package init(_ times: OrderTimes) {
        self.times = times
        hasStages = times.schedule.virtualStages > 1
        let lengths = times.schedule.actions.joined().map(times.duration).filter { $0 > 0 }
        let digits = "\(times.schedule.microbatches - 1)".count + (hasStages ? 2 : 0)
        width = min(max(times.makespan / (lengths.min() ?? 1) * Double(10 + 7 * digits), 600), 8000)
    }

    private static let margin = 64.0
    /// Of the title and the legend.
    private static let top = 44.0
    private static let row = 34.0
    private static let bar = 28.0

    /// A file of its own. Its colours are those of the pages.
    package var svg: String {
        let schedule = times.schedule
        let height = Self.top + Self.row * Double(schedule.ranks) + 36
        let label =
            "\(schedule.name): \(counted(schedule.ranks, "rank")), "
            + counted(schedule.microbatches, "microbatch", "microbatches")
        return Markup.svgFile(
            label, width: Int(width + Self.margin + 16), height: height,
            [
                Self.style, ActionPalette.colours.both,
                .rectangle("paper", x: "0", y: 0, width: "100%", height: height),
                .label("title out", x: "8", y: 16, Markup(label)), legend, Markup(schedule.actions.indices.map(rank)),
                axis(height),
            ])
    }

    /// What the colours stand for, and how long each takes.
    private var legend: Markup {
        let present = Set(times.schedule.actions.joined().map(\.kind))
        return Markup(
            Action.Kind.allCases.filter(present.contains).enumerated().map { index, kind in
                let x = 8 + 190 * index
                let durations = Set(times.costs.stages.map { $0.duration(kind) })
                let text = kind.legend + (durations.count == 1 ? ": \(durations.first!.plain)" : "")
                return [
                    .rectangle(kind.task.rawValue, x: "\(x)", y: 26, width: "12", height: 12),
                    .label("rank out", x: "\(x + 18)", y: 36, Markup(text)),
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

    private func x(_ time: Double) -> Double {
        Self.margin + (times.makespan > 0 ? time / times.makespan * width : 0)
    }

    private func rank(_ rank: Int) -> Markup {
        let top = Self.top + Self.row * Double(rank) + 4
        let actions = times.schedule.actions[rank].enumerated().map { index, action in
            bar(action, from: times.start[rank][index], to: times.end(rank, index), top)
        }
        return [
            .label("rank out", x: "8", y: top + 19, Markup("rank \(rank)")),
            .rectangle("track", x: "\(Self.margin)", y: top, width: width.fixed(1), height: Self.bar), Markup(actions),
        ]
    }

    private func bar(_ action: Action, from start: Double, to end: Double, _ top: Double) -> Markup {
        let kind = action.kind.task
        let length = x(end) - x(start)
        let middle = ((x(start) + x(end)) / 2).fixed(1)
        let title = "\(action): from \(start.plain) to \(end.plain)"
        let inside = " in-\(kind.rawValue)"
        let name = Markup.label(
            "name\(inside)", x: middle, y: top + (hasStages ? 13 : 18), Markup("\(action.microbatch)"))
        let stage = Markup.label("name small\(inside)", x: middle, y: top + 24, Markup("s\(action.stage)"))
        let fits = length >= Double(7 * "\(action.microbatch)".count + 3)
        // One that is too small for its name has it above itself as long as it is pointed at or touched.
        let tip = Markup.label("name tip", x: middle, y: top - 1, Markup(action.description))
        return .element(
            "g", fits ? [:] : ["class": "narrow", "tabindex": "-1"],
            [
                .element("title", [:], Markup(title)),
                .rectangle(
                    "action \(kind.rawValue)", x: x(start).fixed(1), y: top, width: length.fixed(1), height: Self.bar),
                fits ? [name, hasStages ? stage : []] : tip,
            ])
    }

    private func axis(_ height: Double) -> Markup {
        [
            .label("name out", x: "\(Self.margin)", y: height - 12, Markup("0")),
            .label("name out", x: x(times.makespan).fixed(1), y: height - 12, Markup(times.makespan.plain)),
        ]
    }
}

extension Action.Kind {
    /// What a drawing's legend calls it.
    var legend: String {
        switch self {
        case .forward: "F, forward"
        case .backward: "B, whole backward"
        case .backwardInput: "I, input gradient"
        case .backwardWeights: "W, weight gradient"
        }
    }
}
