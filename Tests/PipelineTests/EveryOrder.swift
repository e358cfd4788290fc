// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// All orders of a tiny problem, one after the other, without any thought: what searches are compared with. Of the library it
/// uses the values only, not what works out times, memory or bounds.
struct EveryOrder {
    let problem: OrderProblem
    /// For each stage and microbatch (`stage * microbatches + microbatch`), whether its backward is whole.
    let isWhole: [Bool]
    /// Whether microbatches of a kind come in ascending order; else in any.
    let isAscending: Bool

    /// The least makespan of all orders that run and fit; infinite where none does.
    var least: Double {
        let lists = (0..<problem.ranks).map { rank in
            var found: [[Action]] = []
            extend([], actions(of: rank), &found)
            return found.filter { fits($0, rank) }
        }
        var least = Double.infinity
        combine([], lists, &least)
        return least
    }

    private func actions(of rank: Int) -> [Action] {
        problem.rankOfStage.indices.filter { problem.rankOfStage[$0] == rank }.flatMap { stage in
            (0..<problem.microbatches).flatMap { microbatch in
                kinds(stage, microbatch).map { Action($0, stage: stage, microbatch: microbatch) }
            }
        }
    }

    private func kinds(_ stage: Int, _ microbatch: Int) -> [Action.Kind] {
        isWhole[stage * problem.microbatches + microbatch]
            ? [.forward, .backward] : [.forward, .backwardInput, .backwardWeights]
    }

    // MARK: A rank's lists

    private func extend(_ list: [Action], _ left: [Action], _ found: inout [[Action]]) {
        if left.isEmpty { found.append(list) }
        for (index, action) in left.enumerated() {
            if left.contains(where: { mustPrecede($0, action) }) { continue }
            var rest = left
            rest.remove(at: index)
            extend(list + [action], rest, &found)
        }
    }

    /// Whether no order that runs has the first after the second, of two of one rank.
    private func mustPrecede(_ first: Action, _ second: Action) -> Bool {
        func step(_ action: Action) -> Int {
            // Forwards up, gradients down.
            action.kind == .forward ? action.stage : 2 * problem.rankOfStage.count - action.stage
        }
        if first.microbatch == second.microbatch {
            if second.kind == .backwardWeights { return first.kind == .backwardInput && first.stage == second.stage }
            return first.kind != .backwardWeights && step(first) < step(second)
        }
        guard isAscending, first.stage == second.stage, first.microbatch < second.microbatch else { return false }
        func isGradient(_ action: Action) -> Bool { action.kind == .backward || action.kind == .backwardInput }
        func isEnd(_ action: Action) -> Bool { action.kind == .backward || action.kind == .backwardWeights }
        return first.kind == second.kind || isGradient(first) && isGradient(second) || isEnd(first) && isEnd(second)
    }

    // MARK: Memory

    private func fits(_ list: [Action], _ rank: Int) -> Bool {
        guard let memory = problem.memory else { return true }
        var bytes = 0
        for stage in problem.rankOfStage.indices where problem.rankOfStage[stage] == rank {
            var (frames, gradients, framesMost, gradientsMost) = (0, 0, 0, 0)
            for action in list where action.stage == stage {
                if action.kind == .forward { frames += 1 }
                if action.kind == .backward || action.kind == .backwardInput { gradients += 1 }
                framesMost = max(framesMost, frames)
                gradientsMost = max(gradientsMost, gradients)
                if action.kind == .backward || action.kind == .backwardWeights {
                    frames -= 1
                    gradients -= 1
                }
            }
            bytes += framesMost * memory.frameBytes[stage] + gradientsMost * memory.gradientBytes[stage]
        }
        return bytes <= memory.limitOfRank[rank]
    }

    // MARK: Times

    private func combine(_ chosen: [[Action]], _ lists: [[[Action]]], _ least: inout Double) {
        if chosen.count < lists.count {
            for list in lists[chosen.count] { combine(chosen + [list], lists, &least) }
        } else if let makespan = makespan(chosen) {
            least = min(least, makespan)
        }
    }

    /// Ranks go on in turn until nobody can; nil where something is left.
    private func makespan(_ lists: [[Action]]) -> Double? {
        let count = problem.rankOfStage.count * problem.microbatches
        var (forward, gradient) = ([Double](repeating: -1, count: count), [Double](repeating: -1, count: count))
        var next = lists.map { _ in 0 }
        var free = lists.map { _ in 0.0 }
        var moves = true
        while moves {
            moves = false
            for rank in lists.indices {
                while next[rank] < lists[rank].count {
                    let action = lists[rank][next[rank]]
                    guard let arrival = arrival(action, forward, gradient) else { break }
                    let end = max(free[rank], arrival) + problem.costs.stages[action.stage].duration(action.kind)
                    let cell = action.stage * problem.microbatches + action.microbatch
                    if action.kind == .forward { forward[cell] = end }
                    if action.kind == .backward || action.kind == .backwardInput { gradient[cell] = end }
                    (free[rank], moves) = (end, true)
                    next[rank] += 1
                }
            }
        }
        return zip(next, lists).allSatisfy { $0 == $1.count } ? free.max() : nil
    }

    /// When what an action receives is there; nil while it is not done.
    private func arrival(_ action: Action, _ forward: [Double], _ gradient: [Double]) -> Double? {
        let other = action.kind == .forward ? action.stage - 1 : action.stage + 1
        if action.kind == .backwardWeights || !problem.rankOfStage.indices.contains(other) { return 0 }
        let sent = (action.kind == .forward ? forward : gradient)[other * problem.microbatches + action.microbatch]
        let isNear = problem.rankOfStage[other] == problem.rankOfStage[action.stage]
        return sent < 0 ? nil : sent + (isNear ? 0 : problem.costs.stages[other].handOff)
    }
}
