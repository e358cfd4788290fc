// SPDX-License-Identifier: Apache-2.0

extension Estimate {
    /// Medians of parts that have to add up to the median of their sums, which medians do only nearly.
    ///
    /// Each is moved within its interval, in proportion to the room that it has there on that side; where the intervals have too
    /// little room together, within its smallest and largest value, and the interval with it. So a part that hardly varies hardly
    /// moves, and none is below all of its values or above them.
    ///
    /// - Parameters:
    ///   - samples: of each part, as many values as of the others, in the same order.
    ///   - whole: the median of the sums.
    public static func parts(of samples: [[Double]], addingUpTo whole: Double) -> [Estimate] {
        let medians = samples.map { Estimate(medianOf: $0) }
        let rest = whole - medians.reduce(0) { $0 + $1.value }
        func rooms(_ ends: [ClosedRange<Double>]) -> [Double] {
            zip(medians, ends).map { rest > 0 ? $1.upperBound - $0.value : $0.value - $1.lowerBound }
        }
        let ranges = samples.map { $0.min()!...$0.max()! }
        let near = rooms(zip(medians, ranges).map { $0.interval ?? $1 })
        let room = near.total >= abs(rest) ? near : rooms(ranges)
        if room.total == 0 { return medians }
        return zip(medians, room).map { median, own in
            let value = median.value + rest * own / room.total
            return Estimate(
                value: value,
                interval: median.interval.map { min($0.lowerBound, value)...max($0.upperBound, value) })
        }
    }
}

extension [Double] {
    fileprivate var total: Double { reduce(0, +) }
}
