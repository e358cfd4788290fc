// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// A figure with the interval that the true one is likely in.
public struct Estimate: Equatable, Sendable {
    /// The figure of the sample itself.
    public let value: Double
    /// Where the true figure is likely to be; nil where there are too few values to say.
    public let interval: ClosedRange<Double>?

    /// With these; nothing is checked.
    public init(value: Double, interval: ClosedRange<Double>?) {
        self.value = value
        self.interval = interval
    }

    /// Fewer values than this tell too little for an interval: the smallest and the largest of four miss the true median one
    /// time in eight.
    public static let countLeast = 5

    /// The median of a sample of at least one value, with its 95 % interval, whose ends follow from the values'
    /// ranks (`MedianRanks`), so that it is as likely to hold the true median whatever the noise is like.
    public init(medianOf sample: [Double]) {
        self.init(medianOf: Statistics(sample))
    }

    init(medianOf statistics: Statistics) {
        let sorted = statistics.sorted
        self.init(
            value: statistics.median,
            interval: MedianRanks(nearest: sorted.count)?.interval(of: sorted))
    }

    /// The median of a sample of at least one value, with an interval that is likely to hold the true one together with those of
    /// all others that are compared at once, of which there are `comparisons` in all.
    public init(medianOf sample: [Double], among comparisons: Int) {
        let statistics = Statistics(sample)
        self.init(
            value: statistics.median, interval: SimultaneousInterval(sample.count, among: comparisons)?.of(statistics))
    }

    /// The median ratio of a sample of at least one, by way of logarithms, so that the inverse ratios have the inverse interval.
    ///
    /// - Parameters:
    ///   - ratios: all above 0.
    ///   - comparisons: how many are made at once; the interval holds together with theirs.
    public init(ratios: [Double], among comparisons: Int) {
        self.init(ratios: ratios, by: SimultaneousInterval(ratios.count, among: comparisons))
    }

    /// - Parameter rule: for samples of this size.
    init(ratios: [Double], by rule: SimultaneousInterval?) {
        let sorted = ratios.sorted()
        let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
        let value = low == high ? low : (low * high).squareRoot()
        self.init(
            value: value,
            interval: rule.map { rule in
                let interval = rule.of(Statistics(sorted.map { log($0) }))
                return min(exp(interval.lowerBound), value)...max(exp(interval.upperBound), value)
            })
    }

    /// Whether the interval leaves a value out: then the sample tells the figure from it. Nil without an interval.
    public func excludes(_ other: Double) -> Bool? { interval.map { !$0.contains(other) } }

    // MARK: Other figures

    /// In another unit, by a factor above 0.
    public static func * (estimate: Estimate, factor: Double) -> Estimate {
        Estimate(
            value: estimate.value * factor,
            interval: estimate.interval.map { $0.lowerBound * factor...$0.upperBound * factor })
    }

    /// Of each of so many, by a divisor above 0.
    public static func / (estimate: Estimate, divisor: Double) -> Estimate {
        Estimate(
            value: estimate.value / divisor,
            interval: estimate.interval.map { $0.lowerBound / divisor...$0.upperBound / divisor })
    }

    /// A constant over the figure.
    static func / (dividend: Double, estimate: Estimate) -> Estimate {
        Estimate(
            value: dividend / estimate.value,
            interval: estimate.interval.map { dividend / $0.upperBound...dividend / $0.lowerBound })
    }
}
