// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// A simulated step as a picture, in milliseconds.
struct SimulationChart {
    private let simulation: Simulation

    init(_ simulation: Simulation) { self.simulation = simulation }

    var svg: String {
        let (schedule, graph) = (simulation.schedule, simulation.graph)
        let label =
            "\(schedule.name): \(counted(schedule.ranks, "rank")), "
            + counted(schedule.microbatches, "microbatch", "microbatches") + ", simulated"
        let rows = graph.tasks.enumerated().map { rank, list in
            list.enumerated().compactMap { index, task in
                bar(task, simulation.replay.start[rank][index] * 1000, simulation.replay.end[rank][index] * 1000)
            }
        }
        let present = Set(rows.joined().map(\.kind))
        let kinds = RankTask.Kind.allCases.filter(present.contains).map { kind in
            (kind: kind, text: Action.Kind.allCases.first { $0.task == kind }?.legend ?? kind.rawValue)
        }
        let end = simulation.step * 1000
        return StepChart(label, kinds: kinds, rows: rows, end: end, endText: "\(end.fixed(2)) ms").svg
    }

    /// Nothing for what takes no time, but for actions.
    private func bar(_ task: RankTask, _ start: Double, _ end: Double) -> StepChart.Bar? {
        let times = "from \(start.fixed(3)) to \(end.fixed(3)) ms"
        guard case .action(let action) = task else {
            if end == start { return nil }
            return StepChart.Bar(
                kind: task.kind, number: "", stage: nil, start: start, end: end, title: "\(task): \(times)", name: "")
        }
        return StepChart.Bar(
            kind: task.kind, number: "\(action.microbatch)",
            stage: simulation.schedule.virtualStages > 1 ? "\(action.stage)" : nil, start: start, end: end,
            title: "\(action): \(times)", name: action.description)
    }
}
