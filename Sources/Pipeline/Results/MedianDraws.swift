import SharedTensor

/// Which positions of a sorted sample the medians of its bootstrap samples have. They depend on the sample's size alone, so that
/// they are drawn once for all samples of that size; figures are those of `Estimate(medianOf:)`.
struct MedianDraws {
    /// The two positions in the middle of each draw; the same one twice in a draw of odd size.
    private let positions: [(Int, Int)]

    private static let drawCount = 2000
    /// The sample size from which a draw's median is taken from the normal distribution that its position tends to.
    private static let largeCount = 1000

    /// - Parameter stream: samples that are drawn independently of each other have different ones.
    init(count: Int, stream: UInt64 = 0) {
        let random = CounterRandom(seed: stream, name: "bootstrap")
        if count == 1 {
            positions = [(0, 0)]
        } else if count < Self.largeCount {
            positions = (0..<Self.drawCount).map { draw in
                let drawn = (0..<count).map { random.integer(below: UInt64(count), at: UInt64(draw * count + $0)) }
                    .sorted()
                return (Int(drawn[(count - 1) / 2]), Int(drawn[count / 2]))
            }
        } else {
            positions = (0..<Self.drawCount).map { draw in
                let sum = (0..<12).reduce(0.0) { $0 + random.unit(at: UInt64(draw * 12 + $1)) }
                let position = Int((Double(count) + (sum - 6) * Double(count).squareRoot()) / 2)
                let inside = min(max(position, 0), count - 1)
                return (inside, inside)
            }
        }
    }

    /// The median of each draw from a sample.
    func medians(_ sorted: [Double]) -> [Double] {
        positions.map { low, high in low == high ? sorted[low] : sorted[low] + 0.5 * (sorted[high] - sorted[low]) }
    }
}

/// Estimates of medians and of ratios of medians, with 95 % bootstrap intervals.
final class MedianEstimator {
    private var draws: [Int: MedianDraws] = [:]
    private var otherDraws: [Int: MedianDraws] = [:]
    /// Those between groups that were asked for before.
    var ratios: [[Int]: Estimate] = [:]

    private func draws(_ count: Int, in cache: inout [Int: MedianDraws], stream: UInt64) -> MedianDraws {
        if let known = cache[count] { return known }
        let new = MedianDraws(count: count, stream: stream)
        cache[count] = new
        return new
    }

    func median(_ sample: [Double]) -> Estimate {
        if sample.count == 1 { return Estimate(value: sample[0], low: sample[0], high: sample[0]) }
        let statistics = Statistics(sample)
        let draws = draws(sample.count, in: &draws, stream: 0)
        return Self.estimate(statistics.median, draws.medians(statistics.sorted))
    }

    /// The median of a sample over that of another one, which was taken independently of it.
    func ratio(_ sample: [Double], over other: [Double]) -> Estimate {
        if sample.count == 1 && other.count == 1 { return median([sample[0] / other[0]]) }
        let (above, below) = (Statistics(sample), Statistics(other))
        let numerators = draws(sample.count, in: &draws, stream: 0).medians(above.sorted)
        let denominators = draws(other.count, in: &otherDraws, stream: 1).medians(below.sorted)
        let figures = (0..<max(numerators.count, denominators.count)).map { draw in
            numerators[min(draw, numerators.count - 1)] / denominators[min(draw, denominators.count - 1)]
        }
        return Self.estimate(above.median / below.median, figures)
    }

    private static func estimate(_ value: Double, _ figures: [Double]) -> Estimate {
        let statistics = Statistics(figures)
        return Estimate(value: value, low: statistics.quantile(0.025), high: statistics.quantile(0.975))
    }
}
