// SPDX-License-Identifier: Apache-2.0

/// What a rank does in a step, one thing after the other: the schedule's actions, and its own work around them.
public enum RankTask: Hashable, Sendable, CustomStringConvertible {
    /// Packs a stage's weights for all of its backwards in the step.
    case pack(stage: Int)
    case action(Action)
    /// Sends each other copy of a stage this one's part of the sum that the other makes (`GradientShares`).
    case share(stage: Int)
    /// Adds up the copies' parts of the sum that this one makes, and sends it to the others.
    case sum(stage: Int)
    /// Takes over the sums that other copies have made.
    case collect(stage: Int)
    /// The optimizer, on all of the rank's stages.
    case update

    /// What is done, whichever stage and microbatch it is for; the raw value is how traces and pages call it.
    public enum Kind: String, CaseIterable, Sendable {
        case forward, backward
        case backwardInput = "backward-input"
        case backwardWeights = "backward-weights"
        case packing, summing, update
    }

    /// What is done, without the stage and the microbatch.
    public var kind: Kind {
        switch self {
        case .pack: .packing
        case .share, .sum, .collect: .summing
        case .update: .update
        case .action(let action): action.kind.task
        }
    }

    /// Whether it is work of the pipeline itself: neither an update nor what sums gradients over copies.
    var isOfPipeline: Bool {
        switch self {
        case .pack, .action: true
        case .share, .sum, .collect, .update: false
        }
    }

    /// The stage it is for; nil for what a rank does for all of its stages.
    public var stage: Int? {
        switch self {
        case .pack(let stage), .share(let stage), .sum(let stage), .collect(let stage): stage
        case .action(let action): action.stage
        case .update: nil
        }
    }

    public var description: String {
        switch self {
        case .pack: "packing"
        case .action(let action): "action \(action)"
        case .share(let stage): "sending the gradients of stage \(stage) to its copies"
        case .sum(let stage): "summing the gradients of stage \(stage) over its copies"
        case .collect(let stage): "receiving the sums of the gradients of stage \(stage)"
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
    ///
    /// Of a stage that has copies, a rank shares the gradients as soon as they are complete, while the pipeline still drains. It waits for
    /// others' after its last action only: first it makes all of its sums, then it takes over all of the others'. Since no share waits
    /// for a sum, and no sum for what is collected, no two ranks can wait for each other there.
    public var tasks: [[RankTask]] {
        let waiting = ranksWithNeighbours
        return actions.enumerated().map { rank, list in
            let firstBackward = list.firstIndex { $0.kind.givesInputGradient } ?? list.endIndex
            let startsFirst = list.first.map { isFirst($0.stage) } ?? false
            let packs = waiting.contains(rank) ? (startsFirst ? firstBackward : 0) : nil
            let ends = lastActions(list)
            var tasks: [RankTask] = []
            for (index, action) in list.enumerated() {
                if index == packs { tasks += packing(for: list) }
                tasks.append(.action(action))
                if ends[action.stage] == index { tasks.append(.share(stage: action.stage)) }
            }
            let shared = ends.sorted { $0.value < $1.value }.map(\.key)
            tasks += shared.map { .sum(stage: $0) }
            return isForwardOnly ? tasks : tasks + shared.map { .collect(stage: $0) } + [.update]
        }
    }

    /// For each stage whose copies have something to tell each other, gradients or at its end losses, the index of its last action
    /// in its rank's list.
    private func lastActions(_ list: [Action]) -> [Int: Int] {
        var last: [Int: Int] = [:]
        if copies == 1 { return last }
        for (index, action) in list.enumerated() where !isForwardOnly || isLast(action.stage) {
            last[action.stage] = index
        }
        return last
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
