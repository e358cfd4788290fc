import SharedTensor
import Threads

/// A figure with the interval that the true one is likely in.
public struct Estimate: Equatable, Sendable {
    /// The figure of the sample itself.
    public let value: Double
    /// The lower end of the interval.
    public let low: Double
    /// The upper end of the interval.
    public let high: Double

    /// With these values; nothing is checked.
    public init(value: Double, low: Double, high: Double) {
        self.value = value
        self.low = low
        self.high = high
    }

    /// A figure of a sample of at least one element, with its 95 % bootstrap interval: from the 2.5th to the 97.5th percentile
    /// of the figure over samples that are drawn from this one with replacement (Efron 1979).
    ///
    /// The draws depend on the sample's size alone. One element has no spread to tell of: the interval is the figure.
    public init<Element>(_ sample: [Element], draws: Int = 2000, figure: ([Element]) -> Double) {
        require(!sample.isEmpty && draws >= 1, "an estimate of nothing, or of no draws")
        let random = CounterRandom(seed: 0, name: "bootstrap")
        let count = sample.count
        let figures = (0..<draws).map { draw in
            figure(
                (0..<count).map { index in
                    sample[Int(random.integer(below: UInt64(count), at: UInt64(draw * count + index)))]
                })
        }
        let statistics = Statistics(figures)
        self.init(value: figure(sample), low: statistics.quantile(0.025), high: statistics.quantile(0.975))
    }

    /// The median of a sample, with its interval.
    public init(medianOf sample: [Double]) { self.init(sample) { Statistics($0).median } }

    /// The mean of a sample, with its interval.
    public init(meanOf sample: [Double]) { self.init(sample) { Statistics($0).mean } }

    /// Whether the interval holds a value: then the sample does not tell the figure from it.
    public func contains(_ other: Double) -> Bool { low <= other && other <= high }
}
