// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Bars from the left under headings, each as long as its value, on one scale.
package struct BarChart {
    package enum Row {
        /// What the bars below have in common.
        case heading(String)
        /// What one bar is, and its value at the right end.
        case caption(String, value: String)
        case bar(Bar)
    }

    package struct Bar {
        /// One after the other.
        let pieces: [(style: String, length: Double)]
        let interval: ClosedRange<Double>?
        /// What stands behind the bar.
        let value: String
        let details: String
        var height = 16.0

        package init(
            pieces: [(style: String, length: Double)], interval: ClosedRange<Double>?, value: String, details: String,
            height: Double = 16
        ) {
            (self.pieces, self.interval, self.value) = (pieces, interval, value)
            (self.details, self.height) = (details, height)
        }
    }

    let rows: [Row]
    let scale: Scale
    let axis: String
    /// Where a dashed line stands.
    var reference: Double?

    package init(rows: [Row], scale: Scale, axis: String, reference: Double? = nil) {
        (self.rows, self.scale, self.axis, self.reference) = (rows, scale, axis, reference)
    }

    package var height: Double { rows.reduce(0) { $0 + Self.height($1) } }

    package var content: Markup {
        let line = reference.map { Markup.line("ideal", from: (scale.part($0), 0), to: (scale.part($0), height)) }
        return [
            scale.grid(height: height), line ?? [], drawnRows,
            .label("axis", x: "50%", y: height + 36, Markup(axis)),
        ]
    }

    private static func height(_ row: Row) -> Double {
        switch row {
        case .heading(let text): 30 + Heading(text).more
        case .caption: 20
        case .bar(let bar): bar.height + 5
        }
    }

    private var drawnRows: Markup {
        var top = 0.0
        return Markup(
            rows.map { row -> Markup in
                defer { top += Self.height(row) }
                switch row {
                case .heading(let text): return Heading(text).drawing(bottom: top + Self.height(row) - 8)
                case .caption(let text, let value):
                    return [
                        .label("aside halo", x: "0", y: top + 15, Markup(text)),
                        .label("sum halo", x: "100%", y: top + 15, Markup(value)),
                    ]
                case .bar(let bar): return drawing(bar, top)
                }
            })
    }

    private func drawing(_ bar: Bar, _ top: Double) -> Markup {
        let length = bar.pieces.reduce(0) { $0 + $1.length }
        let end = max(length, bar.interval?.upperBound ?? 0)
        // A value does not stand across the dashed line.
        let isNear = reference.map { end < $0 && end > $0 - scale.end * 0.1 } ?? false
        return .mark(
            bar.details,
            [
                .rectangle("hit", x: "0", y: top, width: "100%", height: bar.height),
                scale.stack(bar.pieces, y: top, height: bar.height),
                bar.interval.map { whisker($0, top + bar.height / 2) } ?? [],
                bar.value.isEmpty
                    ? []
                    : .label(
                        "aside halo", x: scale.part(isNear ? reference! : end), y: top + bar.height / 2 + 4.5, shift: 6,
                        Markup(bar.value)),
            ])
    }

    private func whisker(_ interval: ClosedRange<Double>, _ y: Double) -> Markup {
        scale.whisker(from: interval.lowerBound, to: interval.upperBound, y: y, reach: 4)
    }
}
