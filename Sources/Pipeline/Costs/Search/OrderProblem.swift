// SPDX-License-Identifier: Apache-2.0

import Threads

/// An order that is looked for: which actions there are and on which ranks, how long they take, and what ranks may hold.
public struct OrderProblem: Equatable, Sendable {
    /// M.
    public let microbatches: Int
    /// P.
    public let ranks: Int
    /// The rank of each stage, of one copy: any placement.
    public let rankOfStage: [Int]
    /// Of each stage. A whole backward may take another time than its two parts; an order may have either, for each stage and microbatch.
    public let costs: OrderCosts
    /// What ranks may hold; nil for as much as they like.
    public let memory: OrderMemory?

    /// With these values; traps unless costs and memory are of as many stages and ranks, and each rank has a stage.
    public init(microbatches: Int, rankOfStage: [Int], costs: OrderCosts, memory: OrderMemory? = nil) {
        let ranks = (rankOfStage.max() ?? -1) + 1
        require(microbatches >= 1 && Set(rankOfStage) == Set(0..<max(1, ranks)), "microbatches and stages of each rank")
        require(costs.stages.count == rankOfStage.count, "costs of each of \(rankOfStage.count) stages are needed")
        if let memory {
            require(
                memory.frameBytes.count == rankOfStage.count && memory.limitOfRank.count == ranks,
                "memory of each of \(rankOfStage.count) stages and \(ranks) ranks is needed")
        }
        (self.microbatches, self.ranks, self.rankOfStage) = (microbatches, ranks, rankOfStage)
        (self.costs, self.memory) = (costs, memory)
    }
}

/// What ranks may hold of what an order keeps.
///
/// Frames are a stage's own, as many as it ever has in flight, so that a rank holds the sum of its stages' peaks whether or not these
/// come at the same time.
public struct OrderMemory: Equatable, Sendable {
    /// For each stage, what a microbatch takes from its F to its B or W (`StageFrames.stash`).
    public let frameBytes: [Int]
    /// For each stage, what a microbatch takes from its I to its W, or within its B (`StageFrames.gradient`).
    public let gradientBytes: [Int]
    /// For each rank, the most bytes of both that it may hold.
    public let limitOfRank: [Int]

    /// With these values, none of them negative.
    public init(frameBytes: [Int], gradientBytes: [Int], limitOfRank: [Int]) {
        require(frameBytes.count == gradientBytes.count, "bytes of each stage's frames of both kinds are needed")
        (self.frameBytes, self.gradientBytes, self.limitOfRank) = (frameBytes, gradientBytes, limitOfRank)
    }

    /// What each rank of an order holds.
    public func bytesOfRank(_ schedule: Schedule, _ facts: ScheduleFacts) -> [Int] {
        var bytes = [Int](repeating: 0, count: schedule.ranks)
        for (stage, frames) in facts.frames.enumerated() {
            bytes[schedule.rankOfStage[stage]] +=
                frames.stash.count * frameBytes[stage] + frames.gradient.count * gradientBytes[stage]
        }
        return bytes
    }

    /// Whether no rank of an order holds more than it may.
    public func fits(_ schedule: Schedule, _ facts: ScheduleFacts) -> Bool {
        zip(bytesOfRank(schedule, facts), limitOfRank).allSatisfy { $0 <= $1 }
    }
}
