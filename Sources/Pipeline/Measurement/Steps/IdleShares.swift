// SPDX-License-Identifier: Apache-2.0

/// Why ranks idle, but for what the machine did: what leads from the bubble that the textbook has, of equal stages, to the one
/// that was measured.
public struct IdleShares: Equatable, Sendable {
    /// The part of the step, from 0 to 1, for which ranks wait, in the mean, because one of them has more work.
    public let imbalance: Double
    /// The part for which even the rank with the most work waits, because of the order.
    public let bubble: Double
    /// What the order would cost if stages were equal: a part of the step without updates, sums over copies, lost time and hand-offs.
    public let ofEqualStages: Double
    /// The rank that has the most work.
    public let busiestRank: Int

    /// In the mean over ranks: both parts together.
    public var mean: Double { imbalance + bubble }

    /// - Parameters:
    ///   - terms: of a step.
    ///   - other: of the same one.
    ///   - needed: CPU time of each rank's tasks in it.
    init(_ terms: Breakdown, _ other: WhatIf, needed: [Double]) {
        busiestRank = needed.indices.max { needed[$0] < needed[$1] }!
        (imbalance, bubble) = (terms.share(.imbalance), terms.share(.bubble))
        let equal = other.both - terms.oversubscription - terms.reduction - terms.optimizer
        ofEqualStages = (equal - terms.work) / equal
    }
}
