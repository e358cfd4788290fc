// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// A step as it went: a row for each rank, a rectangle for each task and each wait, an arrow for each hand-off.
package struct GanttChart {
    let times: StepTimes
    private let scale: Scale
    private let width: Int
    /// Whether a rank has several.
    private let hasStages: Bool
    private let causes: WaitCauses

    /// - Parameter width: the least that it will have, in pixels: names that fit then fit always.
    package init(_ times: StepTimes, _ scale: Scale, width: Int) {
        self.times = times
        self.scale = scale
        self.width = width
        causes = times.waitCauses
        hasStages = times.graph.tasks.contains { Set($0.compactMap(\.stage)).count > 1 }
    }

    private static let pitch = 50.0
    private static let bar = 32.0

    package func drawing(_ label: String) -> Markup {
        let height = Double(times.tasks.count) * Self.pitch
        let end = scale.part(times.seconds * 1000)
        let chart = Markup.chart(
            label, height: height + 22, width: width,
            [
                scale.grid(height: height), Markup(times.tasks.indices.map(row)),
                .line("end", from: (end, 0), to: (end, height)), Markup(times.tasks.indices.flatMap(handoffs)),
            ])
        let ranks = times.tasks.indices.map { Markup.element("li", [:], "rank \($0)") }
        return .element(
            "div", ["class": "rows"],
            [.element("ol", ["class": "ranks"], Markup(ranks)), .element("div", ["class": "scroll"], chart)])
    }

    private func top(_ rank: Int) -> Double { Double(rank) * Self.pitch + (Self.pitch - Self.bar) / 2 }

    /// Milliseconds since the step's release.
    private func moment(_ time: UInt64) -> Double { Double(Int64(bitPattern: time &- times.released)) / 1e6 }

    // MARK: Tasks and waits

    private func row(_ rank: Int) -> Markup {
        let tasks = zip(times.graph.tasks[rank], times.tasks[rank]).enumerated().map { index, pair -> Markup in
            let (task, times) = pair
            let parts = causes.parts[rank][2 * index...2 * index + 1].map { $0 * 1000 }
            return [
                wait("no-input", "input", task, rank, times.begin, times.received, times.inputWait, parts[0]),
                wait("no-room", "room", task, rank, times.received, times.ready, times.roomWait, parts[1]),
                bar(task, rank, times),
            ]
        }
        return Markup([.rectangle("track", x: "0", y: top(rank), width: "100%", height: Self.bar)] + tasks)
    }

    private func bar(_ task: RankTask, _ rank: Int, _ times: TaskTimes) -> Markup {
        let (start, length) = (moment(times.ready), times.work * 1000)
        let pixels = length / scale.end * Double(width)
        let style = "task \(task.kind.rawValue)\(pixels < 3 ? " thin" : "")"
        return .mark(
            details(task, rank, times),
            [
                .rectangle(
                    style, x: scale.part(start), y: top(rank), width: scale.part(length), height: Self.bar),
                caption(task, x: scale.part(start + length / 2), top(rank), pixels),
            ])
    }

    /// What stands in a bar, if there is room.
    private func caption(_ task: RankTask, x: String, _ top: Double, _ pixels: Double) -> Markup {
        let kind = task.kind
        let style = "caption in-\(kind.rawValue)"
        guard case .action(let action) = task else {
            let fits = pixels > Double(kind.title.count * 7 + 6)
            return fits ? .label(style, x: x, y: top + 21, Markup(kind.title)) : []
        }
        let (number, stage) = ("\(action.microbatch)", hasStages ? "s\(action.stage)" : "")
        if pixels <= Double(max(number.count, stage.count) * 7 + 4) { return [] }
        return [
            .label(style, x: x, y: top + (hasStages ? 15 : 21), Markup(number)),
            hasStages ? .label("\(style) small", x: x, y: top + 27, Markup(stage)) : [],
        ]
    }

    /// Nothing where it would be too short to see: the task tells of it too.
    /// - Parameter imbalance: milliseconds of it, up to its end, that are for the rank that has the most work.
    private func wait(
        _ style: String, _ what: String, _ task: RankTask, _ rank: Int, _ from: UInt64, _ to: UInt64, _ how: Waited,
        _ imbalance: Double
    ) -> Markup {
        let (start, length) = (moment(from), moment(to) - moment(from))
        if length / scale.end * Double(width) < 0.5 { return [] }
        return .mark(
            """
            rank \(rank) waits for \(what)
            of \(title(task))
            start  \(start.fixed(3)) ms
            wait   \(length.fixed(3)) ms, \(how)\(cause(imbalance, of: length))
            """,
            [
                .rectangle(
                    "wait \(style)", x: scale.part(start), y: top(rank), width: scale.part(length), height: Self.bar),
                // Over the hatching, which is opaque.
                imbalance == 0
                    ? []
                    : .rectangle(
                        "wait imbalance", x: scale.part(start + length - imbalance), y: top(rank),
                        width: scale.part(imbalance), height: Self.bar),
            ])
    }

    private func cause(_ imbalance: Double, of length: Double) -> String {
        if imbalance == 0 { return "" }
        let part = imbalance < length ? "\(imbalance.fixed(3)) ms of it" : "all of it"
        return "\n\(part) for rank \(causes.busiest), which has the most work"
    }

    private func title(_ task: RankTask) -> String {
        let kind = task.kind.title
        guard let stage = task.stage else { return kind }
        guard case .action(let action) = task else { return "\(kind) for stage \(stage)" }
        return "\(kind) of microbatch \(action.microbatch), stage \(stage)"
    }

    private func details(_ task: RankTask, _ rank: Int, _ times: TaskTimes) -> String {
        let (input, room) = (moment(times.received) - moment(times.begin), moment(times.ready) - moment(times.received))
        return [
            "\(title(task)), on rank \(rank)",
            "start     \(moment(times.ready).fixed(3)) ms",
            "duration  \((times.work * 1000).fixed(3)) ms",
            "CPU time  \((times.onCPU * 1000).fixed(3)) ms",
            "input     \(times.inputWait), \(input.fixed(3)) ms",
            "room      \(times.roomWait), \(room.fixed(3)) ms",
        ].joined(separator: "\n")
    }

    // MARK: Hand-offs

    private func handoffs(_ rank: Int) -> [Markup] {
        times.graph.tasks[rank].indices.flatMap { task in
            let senders = times.graph.senders(of: TaskGraph.Node(rank: rank, task: task))
            return senders.map { handoff(from: $0, toRank: rank, task) }
        }
    }

    /// From the moment that the item was handed on to the moment that its receiver had it.
    private func handoff(from sender: TaskGraph.Node, toRank rank: Int, _ task: Int) -> Markup {
        let sent = times.tasks[sender.rank][sender.task].sent
        let own = times.tasks[rank][task]
        let isDown = rank > sender.rank
        let start = (scale.part(moment(sent)), top(sender.rank) + (isDown ? Self.bar : 0))
        let end = (scale.part(moment(own.received)), top(rank) + (isDown ? 0 : Self.bar))
        let seconds = moment(own.received) - max(moment(own.begin), moment(sent))
        return .mark(
            """
            hand-off from rank \(sender.rank) to rank \(rank)
            for \(title(times.graph.tasks[rank][task]))
            sent      \(moment(sent).fixed(3)) ms
            received  \(moment(own.received).fixed(3)) ms
            hand-off  \((seconds * 1000).fixed(2)) µs, \(own.inputWait)
            """,
            [.line("reach", from: start, to: end), .line("handoff", from: start, to: end)])
    }
}

extension RankTask.Kind {
    /// What it is called on a page.
    var title: String {
        switch self {
        case .backwardInput: "I: input gradient"
        case .backwardWeights: "W: weight gradient"
        case .forward, .backward, .packing, .summing, .update: rawValue
        }
    }
}
