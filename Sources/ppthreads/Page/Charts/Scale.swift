// SPDX-License-Identifier: Apache-2.0

/// From 0 to an end that is above 0, in some unit, over the width of a chart.
package struct Scale {
    let end: Double
    let unit: String

    package init(end: Double, unit: String) { (self.end, self.unit) = (end, unit) }

    /// The part of the width that a value takes.
    func part(_ value: Double) -> String { "\((value / end * 100).fixed(3))%" }

    /// Lines from top to bottom at round values, which stand below.
    func grid(height: Double) -> Markup {
        Markup(
            ticks.map { value, text -> Markup in
                [
                    .line("grid", from: (part(value), 0), to: (part(value), height)),
                    .label("tick", x: part(value), y: height + 15, Markup(value == 0 ? "0 \(unit)" : text)),
                ]
            })
    }

    /// Pieces one after the other, from 0 on. One below 0, as a file may have, takes back from the one before it.
    func stack(_ pieces: [(style: String, length: Double)], y: Double, height: Double) -> Markup {
        var start = 0.0
        return Markup(
            pieces.map { style, length in
                defer { start += length }
                return .rectangle(style, x: part(start), y: y, width: part(max(0, length)), height: height)
            })
    }

    /// An interval, with ends that reach so many pixels up and down.
    func whisker(from low: Double, to high: Double, y: Double, reach: Double) -> Markup {
        let (low, high) = (part(low), part(high))
        return [
            .line("whisker", from: (low, y), to: (high, y)),
            .line("whisker", from: (low, y - reach), to: (low, y + reach)),
            .line("whisker", from: (high, y - reach), to: (high, y + reach)),
        ]
    }

    package var ticks: [(value: Double, text: String)] { ticks(from: 0) }

    /// Round values from a start to the end; none where there are no numbers that are so large, or so close to each other.
    package func ticks(from start: Double) -> [(value: Double, text: String)] {
        let step = Self.tickStep(end - start)
        let digits = sequence(first: step) { $0 * 10 }.prefix { $0 < 0.999 }.count
        let last = (end / step * 1.000001).rounded(.down)
        guard let first = Int(exactly: (start / step).rounded(.up)), let last = Int(exactly: last) else { return [] }
        return stride(from: first, through: last, by: 1).map { tick in
            let value = Double(tick) * step
            return (value, digits == 0 ? value.grouped : value.fixed(digits))
        }
    }

    /// 1, 2 or 5 times a power of ten, so that there are few.
    private static func tickStep(_ length: Double) -> Double {
        var (step, growth) = (1e-6, 0)
        while length / step > 7 && step.isFinite {
            step *= [2, 2.5, 2][growth % 3]
            growth += 1
        }
        return step
    }
}
