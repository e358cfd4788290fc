// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// The colours of schedules, in pages and in plots: one each, in the order of `ScheduleKind.allCases`.
package enum SchedulePalette {
    /// A schedule's, or, for nil, that of all others.
    package static func style(_ kind: ScheduleKind?) -> String { "schedule-\(kind?.rawValue ?? "other")" }

    /// Gives each class its colour.
    package static var style: Markup {
        let kinds = ScheduleKind.allCases.enumerated().map { index, kind in
            ".\(style(kind)) { color: \(colour(index)); }"
        }
        return .style((kinds + [".\(style(nil)) { color: #cc79a7; }"]).joined(separator: "\n"))
    }

    /// The same for a dark page, where the first colour would be too dark.
    static var darkStyle: Markup {
        .style("@media (prefers-color-scheme: dark) { .\(style(ScheduleKind.allCases[0])) { color: #1579b8; } }")
    }

    /// Okabe and Ito's for the first ones, which colour-blind readers can tell apart; then hues a golden angle apart.
    private static func colour(_ index: Int) -> String {
        let known = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9"]
        return index < known.count ? known[index] : "hsl(\((index - known.count) * 137 % 360) 55% 45%)"
    }
}
