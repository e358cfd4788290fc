// SPDX-License-Identifier: Apache-2.0

import Threads

/// Order statistics of a sample.
public struct Statistics: Equatable, Sendable {
    /// The sample in ascending order.
    public let sorted: [Double]

    /// A sample of at least one value.
    public init(_ values: [Double]) {
        require(!values.isEmpty, "statistics of nothing")
        sorted = values.sorted()
    }

    /// The first of `sorted`.
    public var min: Double { sorted[0] }
    /// The last of `sorted`.
    public var max: Double { sorted[sorted.count - 1] }
    /// Of an even number of values, halfway between the two in the middle.
    public var median: Double { quantile(0.5) }
    /// The arithmetic mean.
    public var mean: Double { total / Double(sorted.count) }
    /// The sum, added up in ascending order.
    public var total: Double { sorted.reduce(0, +) }

    /// The standard deviation of what the sample is of: its squares are over one less than the count. 0 of one value.
    public var deviation: Double {
        let mean = mean
        let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return sorted.count > 1 ? (squares / Double(sorted.count - 1)).squareRoot() : 0
    }

    /// The value below which the fraction `q` of the sample lies, interpolated between neighbours (Hyndman and Fan's
    /// type 7, numpy's default).
    public func quantile(_ q: Double) -> Double {
        require(q >= 0 && q <= 1, "a quantile is a fraction")
        let position = q * Double(sorted.count - 1)
        let below = Int(position)
        if below + 1 >= sorted.count { return sorted[sorted.count - 1] }
        return sorted[below] + (position - Double(below)) * (sorted[below + 1] - sorted[below])
    }

    /// The distance between the quartiles over the median: a spread that one slow step does not move.
    public var relativeSpread: Double { (quantile(0.75) - quantile(0.25)) / median }
}

extension Sequence {
    /// The mean of a value over at least one element.
    func mean(_ value: (Element) -> Double) -> Double {
        var (sum, count) = (0.0, 0)
        for element in self {
            sum += value(element)
            count += 1
        }
        require(count > 0, "a mean of nothing")
        return sum / Double(count)
    }
}
