// SPDX-License-Identifier: Apache-2.0

import Threads

/// How long an order's actions take, stage by stage, in units of the caller's choice.
public struct OrderCosts: Equatable, Sendable {
    /// Of each of the model's stages, which its copies have in common; hand-offs are those of what leaves the stage for another rank.
    public let stages: [ChunkCosts]

    /// One for each of a schedule's `stagesOfCopy`.
    public init(_ stages: [ChunkCosts]) { self.stages = stages }

    /// The same for each of so many stages.
    public init(equal costs: ChunkCosts, stages: Int) {
        self.init(Array(repeating: costs, count: max(0, stages)))
    }

    /// Of an action of a schedule.
    public func duration(_ action: Action, in schedule: Schedule) -> Double {
        stages[schedule.modelStage(action.stage)].duration(action.kind)
    }

    /// From one stage to another, which comes before or after it: nothing within a rank.
    func handOff(from stage: Int, to other: Int, in schedule: Schedule) -> Double {
        schedule.rankOfStage[stage] == schedule.rankOfStage[other] ? 0 : stages[schedule.modelStage(stage)].handOff
    }

    /// Traps unless there is one for each of a schedule's stages.
    func requireFit(_ schedule: Schedule) {
        require(
            stages.count == schedule.stagesOfCopy,
            "costs of \(stages.count) stages for an order of \(schedule.stagesOfCopy)")
    }
}
