// SPDX-License-Identifier: Apache-2.0

extension RunPlan {
    /// What another order of the same stages may hold, so that no rank holds more than a limit in all.
    ///
    /// A frame counts with the slot of the ring that holds the stage's input, as a run measures activations; what an order's rings have
    /// besides is known only once there is the order, so that it has to be planned to be sure.
    /// - Parameter limitBytes: for each rank, of its own memory and its slots, without the program and what a run leaves.
    /// - Returns: nil where some rank has no room for that however it orders its work.
    public func orderMemory(limitBytes: [Int]) -> OrderMemory? {
        let all = stages.prefix(schedule.stagesOfCopy)
        let free = OrderMemory(
            frameBytes: all.map(\.activationBytes), gradientBytes: all.map(\.gradientBytes),
            limitOfRank: limitBytes.map { _ in .max })
        let held = free.bytesOfRank(schedule, facts)
        let fixed = zip(memoryBytesOfRankAtWork, held).map { $0 - $1 }
        let limits = zip(limitBytes, fixed).map { $0 - $1 }
        if limits.contains(where: { $0 < 0 }) { return nil }
        return OrderMemory(frameBytes: free.frameBytes, gradientBytes: free.gradientBytes, limitOfRank: limits)
    }

    /// For each rank, bytes of its own memory and of its slots, without the program and what a run leaves.
    public var memoryBytesOfRankAtWork: [Int] {
        memory.ranks.map { account in
            MemoryKind.allCases.filter { ![.program, .code, .results].contains($0) }.reduce(0) { $0 + account[$1] }
        }
    }
}

extension StageCosts {
    /// The problem of an order on these ranks.
    /// - Parameters:
    ///   - rankOfStage: the placement, of as many stages as there are costs.
    ///   - microbatches: M.
    ///   - memory: what ranks may hold; nil for as much as they like.
    public func problem(rankOfStage: [Int], microbatches: Int, memory: OrderMemory?) -> OrderProblem {
        OrderProblem(
            microbatches: microbatches, rankOfStage: rankOfStage, costs: orderCosts(slow: [:]), memory: memory)
    }
}
