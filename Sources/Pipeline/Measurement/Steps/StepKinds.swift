// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Steps that come in two kinds, a fast one and a slow one, with nothing between them: then no single figure stands for them.
///
/// The lengths' logarithms are split in two so that they differ least from the means of their halves (Otsu 1979). They are two
/// kinds where the means are further apart than six times what remains as spread, and at least 5 %: of samples of 10 from a
/// normal or a log-normal distribution under 1 % look so, from a uniform or an exponential one 5 %; of 20 none, or 1 %.
public struct StepKinds: Equatable, Sendable {
    /// The median of each kind, in seconds.
    public let fast, slow: Double
    /// The part of the steps that are slow, from 0 to 1.
    public let slowShare: Double

    private static let stepsLeast = 10
    /// Of each kind: fewer are outliers.
    private static let shareLeast = 0.15
    private static let separation = 6.0
    private static let ratioLeast = 1.05

    /// - Parameter steps: seconds, more than 0.
    /// - Returns: nil where they are of one kind, or too few to tell.
    init?(_ steps: Statistics) {
        let sorted = steps.sorted
        guard sorted.count >= Self.stepsLeast, sorted[0] > 0 else { return nil }
        let logs = sorted.map { log($0) }
        let least = max(2, Int((Self.shareLeast * Double(logs.count)).rounded(.up)))
        let splits = (least...logs.count - least).map { (count: $0, spread: Self.spread(logs, splitAt: $0)) }
        let best = splits.min { $0.spread < $1.spread }!
        let (low, high) = (logs[..<best.count].mean(\.self), logs[best.count...].mean(\.self))
        let deviation = (best.spread / Double(logs.count - 2)).squareRoot()
        if high - low <= max(Self.separation * deviation, log(Self.ratioLeast)) { return nil }
        fast = Statistics(Array(sorted[..<best.count])).median
        slow = Statistics(Array(sorted[best.count...])).median
        slowShare = 1 - Double(best.count) / Double(logs.count)
    }

    /// The sum of squared distances from the mean, over both parts.
    private static func spread(_ logs: [Double], splitAt count: Int) -> Double {
        [logs[..<count], logs[count...]].reduce(0) { sum, part in
            let mean = part.mean(\.self)
            return sum + part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        }
    }
}
