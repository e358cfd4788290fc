// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension ComparePage {
    var breakdown: Markup {
        Page.section(
            "breakdown", "Where the step goes",
            [
                .element(
                    "p", [:],
                    "Each bar is the step, cut into terms that add up to it.\(hasIntervals ? " The line at its end is the step's 95\u{A0}% interval." : "") Point at a bar, or reach it with the keyboard, for all terms."
                ),
                Page.legend(figures.terms.map { ($0.rawValue, $0.rawValue) }), bars,
                .element(
                    "details", [:], [.element("summary", [:], "The same as a table"), termTable]),
            ])
    }

    // MARK: Bars

    private static let pitch = 54.0

    private var bars: Markup {
        let scale = Scale(end: candidates.map { $0.stepSeconds.end * 1000 }.max()! * 1.01, unit: "ms")
        let height = Double(candidates.count) * Self.pitch
        return .chart(
            "Stacked bars: the terms of the step of each candidate, in milliseconds", height: height + 22,
            [scale.grid(height: height), Markup(candidates.enumerated().map { bar($1, row: $0, scale) })])
    }

    private func bar(_ candidate: CandidateFigures, row: Int, _ scale: Scale) -> Markup {
        let (top, step) = (Double(row) * Self.pitch, candidate.stepSeconds)
        return .mark(
            details(candidate),
            [
                .rectangle("hit", x: "0", y: top, width: "100%", height: Self.pitch),
                .label("name", x: "0", y: top + 17, Markup(candidate.name)),
                .label("sum", x: "100%", y: top + 17, "\(step.value.milliseconds)"),
                scale.stack(
                    figures.terms.map { ($0.rawValue, candidate[$0].value * 1000) },
                    y: top + 24, height: 22),
                step.interval.map {
                    scale.whisker(from: $0.lowerBound * 1000, to: $0.upperBound * 1000, y: top + 35, reach: 5)
                } ?? [],
            ])
    }

    /// All terms of a candidate, in columns.
    private func details(_ candidate: CandidateFigures) -> String {
        let rows = terms(candidate).map { name, term, share in
            [name, term.value.milliseconds, "\(share.fixed(2)) %", Page.interval(term)]
        }
        return "\(candidate.name)\n" + TextTable(rows, leading: 1).text
    }

    /// The terms and then the step, with their percentage of it.
    private func terms(_ candidate: CandidateFigures) -> [(name: String, value: Estimate, share: Double)] {
        let step = candidate.stepSeconds
        let terms = figures.terms.map { ($0.rawValue, candidate[$0]) } + [("step", step)]
        return terms.map { name, value in (name, value, value.value / step.value * 100) }
    }

    // MARK: Table

    private var termTable: Markup {
        let header = ["candidate"] + figures.terms.map(\.rawValue) + ["step"]
        let rows = candidates.map { candidate -> Markup in
            let cells = terms(candidate).map { _, value, share -> Markup in
                .element(
                    "td", [:],
                    [
                        "\((value.value * 1000).fixed(2))", .element("small", [:], "\(share.fixed(1)) %"),
                        .element("small", [:], "\(Page.interval(value))"),
                    ])
            }
            return .element("tr", [:], Markup([Page.rowHeader(candidate.name)] + cells))
        }
        return Page.table(
            "Terms of the step in ms, with their part of it\(hasIntervals ? " and their 95\u{A0}% intervals" : "")",
            header, rows)
    }
}
