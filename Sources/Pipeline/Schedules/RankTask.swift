// SPDX-License-Identifier: Apache-2.0

/// What a rank does in a step, one thing after the other: the schedule's actions, and its own work around them.
public enum RankTask: Hashable, Sendable, CustomStringConvertible {
    /// Packs a stage's weights for all of its backwards in the step.
    case pack(stage: Int)
    case action(Action)
    /// The optimizer, on all of the rank's stages.
    case update

    /// What is done, whichever stage and microbatch it is for; the raw value is how traces and pages call it.
    public enum Kind: String, CaseIterable, Sendable {
        case forward, backward
        case backwardInput = "backward-input"
        case backwardWeights = "backward-weights"
        case packing, update
    }

    /// What is done, without the stage and the microbatch.
    public var kind: Kind {
        switch self {
        case .pack: .packing
        case .update: .update
        case .action(let action): action.kind.task
        }
    }

    /// The stage it is for; nil for what a rank does for all of its stages.
    public var stage: Int? {
        switch self {
        case .pack(let stage): stage
        case .action(let action): action.stage
        case .update: nil
        }
    }

    public var description: String {
        switch self {
        case .pack: "packing"
        case .action(let action): "action \(action)"
        case .update: "the update"
        }
    }
}

extension Action.Kind {
    /// What a rank does then.
    public var task: RankTask.Kind {
        switch self {
        case .forward: .forward
        case .backward: .backward
        case .backwardInput: .backwardInput
        case .backwardWeights: .backwardWeights
        }
    }
}

extension Schedule {
    /// Each rank's tasks, in the order it does them.
    ///
    /// A rank packs where it waits for another's result in any case: at the step's start, or before its first backward when it
    /// starts with a first stage. One whose stages have no neighbours on other ranks never waits, and packs within forwards
    /// (`microbatchThatPacks`).
    public var tasks: [[RankTask]] {
        let waiting = ranksWithNeighbours
        return actions.enumerated().map { rank, list in
            let firstBackward = list.firstIndex { $0.kind.givesInputGradient } ?? list.endIndex
            var tasks = list.map(RankTask.action)
            if waiting.contains(rank) {
                let startsFirst = list.first.map { isFirst($0.stage) } ?? false
                tasks.insert(contentsOf: packing(for: list), at: startsFirst ? firstBackward : 0)
            }
            return isForwardOnly ? tasks : tasks + [.update]
        }
    }

    /// Those that hand on to other ranks, or receive from them.
    private var ranksWithNeighbours: Set<Int> {
        let edges = lowerEndsOfEdges.filter { rankOfStage[$0] != rankOfStage[$0 + 1] }
        return Set(edges.flatMap { [rankOfStage[$0], rankOfStage[$0 + 1]] })
    }

    /// The microbatch in whose forward a stage's weights are packed for backwards; nil where that is a task of its own.
    public func microbatchThatPacks(_ stage: Int) -> Int? {
        let rank = rankOfStage[stage]
        if isForwardOnly || ranksWithNeighbours.contains(rank) { return nil }
        return actions[rank].first { $0.kind == .forward && $0.stage == stage }?.microbatch
    }

    /// Of each stage that these actions go backwards through, in the order they do.
    private func packing(for list: [Action]) -> [RankTask] {
        var packed: Set<Int> = []
        return list.filter { $0.kind.givesInputGradient && packed.insert($0.stage).inserted }
            .map { .pack(stage: $0.stage) }
    }
}
