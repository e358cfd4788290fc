// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// The colours of schedules: one each, in the order of `ScheduleKind.allCases`, and those of what is none of them.
///
/// Neither too light for thin lines on white nor too dark for them on black; the first ones, which are compared most, differ most.
package enum SchedulePalette {
    /// A schedule's, or, for nil, that of all others.
    package static func style(_ kind: ScheduleKind?) -> String { "schedule-\(kind?.rawValue ?? "other")" }

    /// That of runs without a pipeline, whatever schedule they were made with.
    package static let oneStage = "schedule-none"

    package static let colours = Palette(
        property: "color",
        colours: zip(ScheduleKind.allCases, named).map { Palette.Colour(style($0), $1) } + [
            Palette.Colour(style(nil), "#66707c"), Palette.Colour(oneStage, "#3a3f45", dark: "#c9ced4"),
        ])

    private static let named = [
        "#9c489c", "#908400", "#009cb4", "#d824c0", "#e46c6c", "#b478d8", "#007848", "#9c5448", "#8050d8", "#90789c",
        "#5490f0", "#6c9c78", "#3c6c90", "#d83078", "#c05478",
    ]
}
