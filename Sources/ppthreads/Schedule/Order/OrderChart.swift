import Pipeline

/// An order in time as a picture: a row for each rank, a rectangle for each action.
package struct OrderChart {
    private let times: OrderTimes

    package init(_ times: OrderTimes) { self.times = times }

    private static let margin = 64.0
    private static let row = 34.0
    private static let bar = 28.0

    /// A file of its own. Its colours are those of the pages.
    package var svg: String {
        let schedule = times.schedule
        let height = Self.row * Double(schedule.ranks) + 36
        let label = "\(schedule.name) on \(schedule.ranks) ranks, \(schedule.microbatches) microbatches"
        return Markup.svgFile(
            label, width: Int(width + Self.margin + 16), height: height,
            [Self.style, Markup(schedule.actions.indices.map(rank)), axis(height)])
    }

    /// As wide as names in the shortest actions need, within reason.
    private var width: Double {
        let shortest =
            times.schedule.actions.joined().map { times.costs.duration($0.kind) }.filter { $0 > 0 }.min() ?? 1
        let digits = "\(times.schedule.microbatches - 1)".count + (hasStages ? 2 : 0)
        return min(max(times.makespan / shortest * Double(10 + 7 * digits), 400), 8000)
    }

    private var hasStages: Bool { times.schedule.virtualStages > 1 }

    private static let style = Markup.code(
        "style",
        """
        text { font: 12px sans-serif; fill: #16191d; } .track { fill: #f3f4f6; } .action { stroke: #ffffff; }
        .forward { fill: #56b4e9; } .backward { fill: #e69f00; } .backward-input { fill: #f0e442; }
        .backward-weights { fill: #cc79a7; } .name { text-anchor: middle; } .small { font-size: 9px; }
        """)

    private func x(_ time: Double) -> Double {
        Self.margin + (times.makespan > 0 ? time / times.makespan * width : 0)
    }

    private func rank(_ rank: Int) -> Markup {
        let top = Self.row * Double(rank) + 4
        let actions = times.schedule.actions[rank].enumerated().map { index, action in
            bar(action, from: times.start[rank][index], to: times.end(rank, index), top)
        }
        return [
            .label("rank", x: "8", y: top + 19, Markup("rank \(rank)")),
            .rectangle("track", x: "\(Self.margin)", y: top, width: width.fixed(1), height: Self.bar), Markup(actions),
        ]
    }

    private func bar(_ action: Action, from start: Double, to end: Double, _ top: Double) -> Markup {
        let kind = RankTask.action(action).kind
        let length = x(end) - x(start)
        let middle = ((x(start) + x(end)) / 2).fixed(1)
        let title = "\(action): from \(start.plain) to \(end.plain)"
        let name = Markup.label("name", x: middle, y: top + (hasStages ? 13 : 18), Markup("\(action.microbatch)"))
        let stage = Markup.label("name small", x: middle, y: top + 24, Markup("s\(action.stage)"))
        let fits = length >= Double(7 * "\(action.microbatch)".count + 3)
        return .element(
            "g", [:],
            [
                .element("title", [:], Markup(title)),
                .rectangle(
                    "action \(kind.rawValue)", x: x(start).fixed(1), y: top, width: length.fixed(1), height: Self.bar),
                fits ? [name, hasStages ? stage : []] : [],
            ])
    }

    private func axis(_ height: Double) -> Markup {
        [
            .label("name", x: "\(Self.margin)", y: height - 12, Markup("0")),
            .label("name", x: x(times.makespan).fixed(1), y: height - 12, Markup(times.makespan.plain)),
        ]
    }
}
