// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// How the candidates of a comparison cut the model: all alike, or as their schedules' numbers of stages have it.
struct CompareLayouts {
    /// `E t t | t t H` where there is one cut, else with the schedules that have it: `GPipe, 1F1B: E t t | t t H`.
    let texts: [String]

    init(_ figures: ComparisonFigures) {
        let cuts = figures.candidates.map { (schedule: $0.schedule, layout: $0.plan.layout) }
        let layouts = cuts.map(\.layout).unique
        texts = layouts.map { layout in
            let schedules = cuts.filter { $0.layout == layout }.map(\.schedule).unique
            return layouts.count == 1 ? layout : "\(schedules.joined(separator: ", ")): \(layout)"
        }
    }

    /// For the table.
    var lines: [String] { texts.map { texts.count == 1 ? "layout: \($0)" : "layout of \($0)" } }
}
