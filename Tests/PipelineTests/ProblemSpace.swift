// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Small problems with costs and limits of their own, which are sums of halves, so that no sum is rounded.
struct ProblemSpace {
    private var numbers: ScheduleSpace

    /// The same seed gives the same problems.
    init(seed: UInt64) { numbers = ScheduleSpace(seed: seed) }

    mutating func number(below bound: Int) -> Int { numbers.number(below: bound) }

    /// - Parameters:
    ///   - isLimited: whether ranks have limits: each what it needs at least, and something besides.
    ///   - isWholeFast: whether a whole backward takes less than its parts together, but longer than the input's gradient alone.
    mutating func problem(
        microbatches: Int, rankOfStage: [Int], isLimited: Bool, isWholeFast: Bool = false
    ) -> OrderProblem {
        let costs = OrderCosts(
            rankOfStage.map { _ in
                let (input, weight) = (1 + number(below: 5), 2 + number(below: 4))
                return ChunkCosts(
                    forward: Double(1 + number(below: 6)), inputGradient: Double(input), weightGradient: Double(weight),
                    wholeBackward: isWholeFast ? Double(input + 1 + number(below: weight - 1)) : nil,
                    handOff: Double(number(below: 5)) / 2)
            })
        return OrderProblem(
            microbatches: microbatches, rankOfStage: rankOfStage, costs: costs,
            memory: isLimited ? memory(rankOfStage, microbatches) : nil)
    }

    private mutating func memory(_ rankOfStage: [Int], _ microbatches: Int) -> OrderMemory {
        let frames = rankOfStage.map { _ in 1 + number(below: 4) }
        let gradients = rankOfStage.map { _ in number(below: 4) }
        let limits = (0...rankOfStage.max()!).map { rank in
            let least = rankOfStage.indices.filter { rankOfStage[$0] == rank }.map { frames[$0] + gradients[$0] }
                .reduce(0, +)
            return least + number(below: least * (microbatches - 1) + 1)
        }
        return OrderMemory(frameBytes: frames, gradientBytes: gradients, limitOfRank: limits)
    }
}
