// SPDX-License-Identifier: Apache-2.0

import Threads

extension OrderModel {
    /// - Throws: `ScheduleError.size` where a rank has no room for a frame of each kind for each of its stages, which any order
    ///   needs.
    func checkRoom() throws(ScheduleError) {
        guard let memory = problem.memory else { return }
        for (rank, stages) in stagesOfRank.enumerated() {
            let least = stages.reduce(0) { $0 + memory.frameBytes[$1] + memory.gradientBytes[$1] }
            let limit = memory.limitOfRank[rank]
            if least > limit {
                throw .size(
                    "rank \(rank) may hold \(counted(limit, "byte")), and one microbatch at \(counted(stages.count, "stage")) takes "
                        + counted(least, "byte"))
            }
        }
    }

    /// What no order is shorter than, whatever ranks hold.
    func bound() throws(ScheduleError) -> MakespanBound { try MakespanBound(apart(), leastCosts) }

    /// Costs of backwards that come apart with which no order is longer than with the problem's own.
    ///
    /// A whole backward that is shorter than its parts is taken for parts that are as short together: then I is over no later
    /// than it was in either, and both together take no longer, so that an order with parts takes no longer than one without.
    var leastCosts: OrderCosts {
        OrderCosts(
            problem.costs.stages.map { stage in
                let whole = stage.duration(.backward)
                var parts = stage
                parts.inputGradient = min(stage.inputGradient, whole)
                parts.weightGradient = min(whole, stage.inputGradient + stage.weightGradient) - parts.inputGradient
                return parts
            })
    }

    /// An order of all actions with backwards that come apart: one microbatch after the other.
    private func apart() -> Schedule {
        var order = TokenOrder(self)
        for _ in 0..<microbatches {
            for stage in 0..<stages { order.append(3 * stage, to: problem.rankOfStage[stage], self) }
            for stage in (0..<stages).reversed() {
                order.append(3 * stage + 1, to: problem.rankOfStage[stage], self)
                order.append(3 * stage + 2, to: problem.rankOfStage[stage], self)
            }
        }
        return order.schedule(self, name: "one after the other")
    }

    /// The named orders that have the placement.
    func namedOrders() -> [(kind: ScheduleKind, schedule: Schedule)] {
        let counts = Set(stagesOfRank.map(\.count))
        guard let virtualStages = counts.first, counts.count == 1 else { return [] }
        return ScheduleKind.ofOneCopy.compactMap { kind in
            guard kind.allows(virtualStages: virtualStages) else { return nil }
            let schedule = kind.make(ranks: ranks, virtualStages: virtualStages, microbatches: microbatches)
            return schedule.rankOfStage == problem.rankOfStage && schedule.actions.count == ranks
                ? (kind, schedule) : nil
        }
    }
}
