// SPDX-License-Identifier: Apache-2.0

import Threads

/// The interval of a sorted sample that its true median is likely in: each value is below the median as likely as above, so that how
/// many are is a matter of coins, whatever the noise is like.
struct MedianRanks {
    /// How many values are left out at either end: as many on both sides, or one more on the upper, where slow runs lie.
    let below, above: Int
    /// By which part of the way the upper end lies towards the next value out.
    let outwards: Double

    /// What an interval's coverage may be off by.
    private static let offMost = 0.02

    /// Those whose coverage is nearest to 95 %: from 5 values on between 93 and 97 %; nil for fewer.
    init?(nearest count: Int) {
        if count < Estimate.countLeast { return nil }
        let tails = MedianTails(count)
        let last = (count - 1) / 2
        var best = (below: 0, above: 0)
        var distance = Double.infinity
        for below in stride(from: last, through: 0, by: -1) {
            for above in [below, below + 1] where above <= last {
                let off = abs(0.95 - tails.coverage(below: below, above: above))
                if off < distance { (best, distance) = ((below, above), off) }
            }
            if tails.coverage(below: below, above: below) > 0.98 { break }
        }
        (below, above) = best
        // Of 7 values no two are near enough: 92.97 % and 98.4. A tenth of the way between is from 93 to 96.6, depending on the noise.
        outwards = distance > Self.offMost ? 0.1 : 0
    }

    /// Of a sample of that size.
    func interval(of sorted: [Double]) -> ClosedRange<Double> {
        let last = sorted.count - 1 - above
        let more = outwards > 0 ? outwards * (sorted[last + 1] - sorted[last]) : 0
        return sorted[below]...sorted[last] + more
    }
}

/// How likely at most a number of a sample's values are to lie on one side of the true median.
struct MedianTails {
    /// At `rank`: the probability that at most that many of the values do. Only ranks near the middle are there, from
    /// `firstRank` on: all whose probability is not vanishing.
    private let tails: [Double]
    private let firstRank: Int

    /// Of a sample of at least one value. Takes time in proportion to the count.
    init(_ count: Int) {
        require(count >= 1, "a sample of nothing has no median")
        let half = count / 2
        // Of 2m coins exactly m, built up without the powers that would vanish.
        var middle = 1.0
        for coins in 0..<half { middle *= Double(2 * coins + 1) / Double(2 * coins + 2) }
        // Of an odd number at most half, rounded down, are as likely as not; of an even number the middle is in both halves.
        let isOdd = count % 2 == 1
        var tail = isOdd ? 0.5 : (1 - middle) / 2
        var exactly = middle * (isOdd ? Double(count) / Double(count + 1) : Double(half) / Double(half + 1))
        var rank = (count - 1) / 2
        var falling = [tail]
        while rank > 0 && tail > 1e-12 {
            tail -= exactly
            exactly *= Double(rank) / Double(count - rank + 1)
            rank -= 1
            falling.append(max(tail, 0))
        }
        tails = falling.reversed()
        firstRank = rank
    }

    /// How likely an interval is to hold the true median that leaves so many values out at either end.
    func coverage(below: Int, above: Int) -> Double { 1 - self[below] - self[above] }

    private subscript(rank: Int) -> Double { rank < firstRank ? 0 : tails[rank - firstRank] }
}
