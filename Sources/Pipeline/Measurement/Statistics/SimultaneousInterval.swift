// SPDX-License-Identifier: Apache-2.0

/// How the interval of a median is found that has to hold together with those of other comparisons: each may miss with a share of
/// what all of them may (Bonferroni).
struct SimultaneousInterval {
    private enum Rule {
        /// Between the values that leave `out` aside at either end, and by that part of the way towards the next ones inside.
        case ranks(out: Int, inwards: Double)
        /// All values, and besides so many standard errors around their mean.
        case range(errors: Double)
    }

    private let rule: Rule

    /// How often at least one of all intervals may miss. Interpolated intervals miss up to a seventh more often than they are
    /// asked to, when the noise is normal; so that this stays below 5 %, they are asked for less.
    private static let missesMost = 0.04

    /// For samples of a size; nil where that is too small.
    init?(_ count: Int, among comparisons: Int) {
        if count < Estimate.countLeast { return nil }
        let misses = Self.missesMost / Double(max(1, comparisons))
        let tails = MedianTails(count)
        func missed(_ out: Int) -> Double { 1 - tails.coverage(below: out, above: out) }
        if missed(0) > misses {
            rule = .range(errors: StudentT.quantile(misses: misses, freedom: count - 1) / Double(count).squareRoot())
            return
        }
        let last = (count - 1) / 2
        // From the middle, since it is never far from there.
        let out = stride(from: last, through: 0, by: -1).first { missed($0) <= misses } ?? 0
        rule = .ranks(out: out, inwards: out < last ? Self.inwards(count, out, missed, misses) : 0)
    }

    /// Hettmansperger and Sheather's interpolation (1986), which is exact for Laplace's distribution and close for others.
    private static func inwards(_ count: Int, _ out: Int, _ missed: (Int) -> Double, _ misses: Double) -> Double {
        let part = (misses - missed(out)) / (missed(out + 1) - missed(out))
        let (rank, all) = (Double(out + 1), Double(count))
        return (all - rank) * part / (rank + (all - 2 * rank) * part)
    }

    /// Of a sample of that size.
    func of(_ sample: Statistics) -> ClosedRange<Double> {
        let sorted = sample.sorted
        switch rule {
        case .ranks(let out, let inwards):
            let last = sorted.count - 1 - out
            let low = sorted[out] + (inwards > 0 ? inwards * (sorted[out + 1] - sorted[out]) : 0)
            let high = sorted[last] - (inwards > 0 ? inwards * (sorted[last] - sorted[last - 1]) : 0)
            return min(low, sample.median)...max(high, sample.median)
        case .range(let errors):
            let reach = errors * sample.deviation
            return min(sample.min, sample.mean - reach)...max(sample.max, sample.mean + reach)
        }
    }
}
