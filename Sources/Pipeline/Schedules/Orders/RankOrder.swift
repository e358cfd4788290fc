// SPDX-License-Identifier: Apache-2.0

/// A rank's list while it is made, of orders that count: each action is of the next microbatch of its kind and stage.
struct RankOrder {
    private(set) var actions: [Action] = []
    private var forwards: [Int: Int] = [:]
    private var backwards: [Int: Int] = [:]
    /// Those whose I stands in the list already, in the order of their Is.
    private var weights: [Action] = []

    mutating func forward(_ stage: Int) {
        actions.append(Action(.forward, stage: stage, microbatch: forwards[stage, default: 0]))
        forwards[stage, default: 0] += 1
    }

    /// - Parameter isWhole: B, or else I, whose W is called for later.
    mutating func backward(_ stage: Int, isWhole: Bool) {
        let microbatch = backwards[stage, default: 0]
        actions.append(Action(isWhole ? .backward : .backwardInput, stage: stage, microbatch: microbatch))
        backwards[stage, default: 0] += 1
        if !isWhole { weights.append(Action(.backwardWeights, stage: stage, microbatch: microbatch)) }
    }

    /// I, and its W at once.
    mutating func splitBackward(_ stage: Int) {
        backward(stage, isWhole: false)
        actions.append(weights.removeLast())
    }

    /// The oldest W that waits: of this stage, if one of its does, or of any; nothing when none waits.
    mutating func oldestWeights(preferring stage: Int? = nil) {
        guard let index = weights.firstIndex(where: { $0.stage == stage }) ?? weights.indices.first else { return }
        actions.append(weights.remove(at: index))
    }

    /// How many forwards stand in the list.
    func forwardCount(_ stage: Int) -> Int { forwards[stage, default: 0] }
    /// How many Ws wait.
    var weightsLeft: Int { weights.count }
}
