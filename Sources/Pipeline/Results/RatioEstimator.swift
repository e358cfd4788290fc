// SPDX-License-Identifier: Apache-2.0

/// Ratios of the tokens/s of groups of runs, each group over its base.
final class RatioEstimator {
    private let comparisons: Int
    /// By the size of the sample: of a million groups most have the same.
    private var rules: [Int: SimultaneousInterval?] = [:]
    /// Of groups with several runs that were asked for before: table, plots and page ask again.
    private var ratios: [Int: Estimate] = [:]

    /// - Parameter comparisons: how many ratios are estimated at once; their intervals hold together.
    init(among comparisons: Int) { self.comparisons = comparisons }

    /// A group's ratio, from its runs and those of its base.
    func ratio(of group: Int, _ above: ArraySlice<RunSample>, over below: ArraySlice<RunSample>) -> Estimate {
        if let known = ratios[group] { return known }
        let ratio = ratio(above, over: below)
        if above.count > 1 || below.count > 1 { ratios[group] = ratio }
        return ratio
    }

    /// Of two groups with the same repeats, the median of the ratios of runs with the same one: a sweep runs those in one round.
    /// (Where they were not, it is a pairing that no figure has decided, and the interval holds as well.) Of others the ratio of
    /// the medians (of an even number of runs the geometric mean of the two in the middle); its interval is from the ends of both their own, each of which may miss half as often.
    private func ratio(_ above: ArraySlice<RunSample>, over below: ArraySlice<RunSample>) -> Estimate {
        if above.count == below.count && zip(above, below).allSatisfy({ $0.repetition == $1.repetition }) {
            let ratios = zip(above, below).map { $0.tokensPerSecond / $1.tokensPerSecond }
            return Estimate(ratios: ratios, by: rule(ratios.count))
        }
        let (top, bottom) = (median(above), median(below))
        let interval = top.interval.flatMap { top in
            bottom.interval.map { top.lowerBound / $0.upperBound...top.upperBound / $0.lowerBound }
        }
        return Estimate(value: top.value / bottom.value, interval: interval)
    }

    /// With an interval that misses half as often as one of these ratios may.
    private func median(_ samples: ArraySlice<RunSample>) -> Estimate {
        Estimate(ratios: samples.map(\.tokensPerSecond), among: 2 * comparisons)
    }

    private func rule(_ count: Int) -> SimultaneousInterval? {
        if let rule = rules[count] { return rule }
        let rule = SimultaneousInterval(count, among: comparisons)
        rules[count] = rule
        return rule
    }
}
