/// What a rank does in a step, one thing after the other: the schedule's actions, and its own work around them.
public enum RankTask: Hashable, Sendable, CustomStringConvertible {
    /// Packs a stage's weights for its backwards, before the first of them waits for its gradient.
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

    public var kind: Kind {
        switch self {
        case .pack: .packing
        case .update: .update
        case .action(let action):
            switch action.kind {
            case .forward: .forward
            case .backward: .backward
            case .backwardInput: .backwardInput
            case .backwardWeights: .backwardWeights
            }
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

extension Schedule {
    /// Each rank's tasks, in the order it does them.
    public var tasks: [[RankTask]] {
        actions.map { list in
            var tasks: [RankTask] = []
            var packed: Set<Int> = []
            for action in list {
                if action.kind.givesInputGradient && packed.insert(action.stage).inserted {
                    tasks.append(.pack(stage: action.stage))
                }
                tasks.append(.action(action))
            }
            return isForwardOnly ? tasks : tasks + [.update]
        }
    }
}
