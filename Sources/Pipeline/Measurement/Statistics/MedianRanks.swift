import Threads

/// How likely values of a sorted sample are to lie around the true median: each value is below it as likely as above, so that
/// how many are is a matter of coins, whatever the noise is like.
enum MedianRanks {
    /// How many values are left out at either end by the interval whose coverage is nearest to 95 %: as many on both sides, or
    /// one more on the upper, where slow runs lie. From 5 values on that is between 92.9 and 97 %; nil for fewer.
    static func nearest(_ count: Int) -> (below: Int, above: Int)? {
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
        return best
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
