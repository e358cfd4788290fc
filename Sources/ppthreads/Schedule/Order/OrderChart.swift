// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// An order in time as a picture: a row for each rank, a rectangle for each action.
package struct OrderChart {
    private let times: OrderTimes

    package init(_ times: OrderTimes) { self.times = times }

    /// A file of its own. Its colours are those of the pages.
    package var svg: String {
        let schedule = times.schedule
        let label =
            "\(schedule.name): \(counted(schedule.ranks, "rank")), "
            + counted(schedule.microbatches, "microbatch", "microbatches")
        let rows = schedule.actions.enumerated().map { rank, list in
            list.enumerated().map { index, action in
                bar(action, from: times.start[rank][index], to: times.end(rank, index))
            }
        }
        return StepChart(label, kinds: kinds, rows: rows, end: times.makespan, endText: times.makespan.plain).svg
    }

    /// What the colours stand for, and how long each takes.
    private var kinds: [(kind: RankTask.Kind, text: String)] {
        let present = Set(times.schedule.actions.joined().map(\.kind))
        return Action.Kind.allCases.filter(present.contains).map { kind in
            let durations = Set(times.costs.stages.map { $0.duration(kind) })
            return (kind.task, kind.legend + (durations.count == 1 ? ": \(durations.first!.plain)" : ""))
        }
    }

    private func bar(_ action: Action, from start: Double, to end: Double) -> StepChart.Bar {
        StepChart.Bar(
            kind: action.kind.task, number: "\(action.microbatch)",
            stage: times.schedule.virtualStages > 1 ? "\(action.stage)" : nil, start: start, end: end,
            title: "\(action): from \(start.plain) to \(end.plain)", name: action.description)
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
