// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension Estimate {
    /// `[0.98, 1.02]`; nil without an interval.
    func brackets(_ format: (Double) -> String) -> String? {
        interval.map { "[\(format($0.lowerBound)), \(format($0.upperBound))]" }
    }

    /// The figure, and its interval if it has one.
    func text(_ format: (Double) -> String) -> String {
        ([format(value)] + [brackets(format)].compactMap(\.self)).joined(separator: "  ")
    }

    /// How far the interval goes from the figure, on the side where that is further; nil without an interval.
    var reach: Double? { interval.map { max($0.upperBound - value, value - $0.lowerBound) } }

    /// Where a scale has to start.
    var start: Double { min(value, interval?.lowerBound ?? value) }
    /// Where a scale has to end.
    var end: Double { max(value, interval?.upperBound ?? value) }
}
