// SPDX-License-Identifier: Apache-2.0

import Threads

/// What an order is made for.
public struct ScheduleSizes: Equatable, Sendable {
    /// P.
    public var ranks: Int
    /// v: stages of each rank.
    public var virtualStages: Int
    /// M.
    public var microbatches: Int
    /// N: how many microbatches pass a rank's stages together, of orders that take it; nil for the order's own choice.
    public var groupSize: Int?

    /// With these values; `ScheduleKind.make` tells which make an order.
    public init(ranks: Int, virtualStages: Int = 1, microbatches: Int, groupSize: Int? = nil) {
        self.ranks = ranks
        self.virtualStages = virtualStages
        self.microbatches = microbatches
        self.groupSize = groupSize
    }

    /// K = vP. Of sizes that were found to make an order.
    public var stages: Int { ranks * virtualStages }

    /// What is to be said where there are fewer microbatches, after an order's title; nil where there are enough.
    func shortage(least: Int) -> String? {
        microbatches >= least
            ? nil : "needs at least \(least) microbatches on \(counted(ranks, "rank")), and has \(microbatches)"
    }

    /// What is to be said, after an order's title, where ranks and microbatches do not come in two halves, or there are too few; nil
    /// where they do.
    func obstacleToHalves(least: Int) -> String? {
        if ranks % 2 != 0 { return "needs an even number of ranks, and has \(ranks)" }
        if let shortage = shortage(least: least) { return shortage }
        return microbatches % 2 == 0 ? nil : "needs an even number of microbatches, and has \(microbatches)"
    }
}
