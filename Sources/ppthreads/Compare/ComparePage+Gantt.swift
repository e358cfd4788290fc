// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension ComparePage {
    var gantt: Markup {
        let steps = candidates.map(\.typicalStep)
        let scale = Scale(end: steps.map(\.seconds).max()! * 1000, unit: "ms")
        let most = steps.flatMap { $0.tasks.map(\.count) }.max()!
        let width = min(max(720, most * 16), 6000)
        let kinds = RankTask.Kind.allCases.filter { kind in
            steps.contains { $0.graph.tasks.joined().contains { $0.kind == kind } }
        }
        return Page.section(
            "steps", "A typical step, task by task",
            [
                .element(
                    "p", [:],
                    "Of each candidate, the step of the trial in the middle, on one time scale. Numbers are microbatches, with the stage below where a rank has several; arrows are hand-offs; the dashed line is the step's end. Waits on the imbalance's colour are for the rank that has the most work, as long as the rank has less to do than that one, its latest waits first; other waits are the order's, or for a rank that lost its CPU. Where a row is blank, its rank was between tasks: handing on, without a CPU, or done."
                ),
                Page.legend(
                    kinds.map { ($0.rawValue, $0.title) } + [
                        ("no-input", "waits for input"), ("no-room", "waits for room"),
                        ("wait imbalance", "imbalance: waits for the rank that has the most work"),
                    ]),
                Markup(zip(candidates, steps).map { figure($0, GanttChart($1, scale, width: width)) }),
            ])
    }

    private func figure(_ candidate: CandidateFigures, _ chart: GanttChart) -> Markup {
        let remark = candidate.plan.schedule.remark.map { "; \($0)" } ?? ""
        let seconds = chart.times.seconds.milliseconds.unbroken
        let caption: Markup = [.element("strong", [:], Markup(candidate.name)), "  \(seconds)\(remark)"]
        return .element(
            "figure", ["class": "gantt"],
            [.element("figcaption", [:], caption), chart.drawing("\(candidate.name): tasks of each rank over time")])
    }
}
