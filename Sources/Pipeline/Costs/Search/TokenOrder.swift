// SPDX-License-Identifier: Apache-2.0

/// Each rank's order as a string of tokens (`OrderModel`), in one list.
package struct TokenOrder: Equatable, Sendable {
    /// Rank r's from `OrderModel.first[r]` on; what follows them, up to the next rank's, has no meaning.
    var tokens: [Int32]
    /// For each rank how many there are.
    var count: [Int]

    /// Without tokens.
    init(_ model: OrderModel) {
        tokens = Array(repeating: 0, count: model.first.last!)
        count = Array(repeating: 0, count: model.ranks)
    }

    /// Of a schedule with the model's placement and microbatches, all of whose actions are there; those of each kind and stage are
    /// put in ascending order of microbatches if they are not.
    package init(_ schedule: Schedule, _ model: OrderModel) {
        self.init(model)
        for (rank, list) in schedule.actions.enumerated() {
            for action in list { append(model.token(action.kind, action.stage), to: rank, model) }
        }
    }

    mutating func append(_ token: Int, to rank: Int, _ model: OrderModel) {
        tokens[model.first[rank] + count[rank]] = Int32(token)
        count[rank] += 1
    }

    /// As actions, each of the next microbatch of its kind and stage.
    package func schedule(_ model: OrderModel, name: String) -> Schedule {
        var next = [Int](repeating: 0, count: model.streams)
        let actions = (0..<model.ranks).map { rank in
            (0..<count[rank]).map { index in
                let token = Int(tokens[model.first[rank] + index])
                let (kind, stage) = (model.kind(token), model.stage(token))
                let stream = Int(model.stream[token])
                let action = Action(kind, stage: stage, microbatch: next[stream])
                next[stream] += 1
                if kind == .backward { next[stream + 1] += 1 }
                return action
            }
        }
        return Schedule(
            name: name, microbatches: model.microbatches, rankOfStage: model.problem.rankOfStage, actions: actions)
    }
}

/// Reads one rank's string from its start: whether each token's needs on this rank are met, and how much it holds.
///
/// The same memory as `OrderMemory.bytesOfRank` finds, for the rank of an order that is sound.
package struct RankCheck: Sendable {
    /// For each stream how many of its tokens have been read; of the one behind the last always enough.
    private var read: [Int32]
    /// For each stage the most microbatches from F to W or B, and from I to W or within B.
    private var stash, gradients: [Int32]
    /// For each rank the bytes it may hold.
    private let limits: [Int]

    package init(_ model: OrderModel) {
        read = Array(repeating: 0, count: model.streams) + [.max]
        stash = Array(repeating: 0, count: model.stages)
        gradients = stash
        limits = model.problem.memory?.limitOfRank ?? []
    }

    /// Whether a rank's string can be done as far as this rank alone is concerned, within its memory.
    ///
    /// - Complexity: O(tokens of the rank).
    package mutating func admits(_ order: TokenOrder, _ rank: Int, _ model: OrderModel) -> Bool {
        guard isSound(order, rank, model) else { return false }
        return limits.isEmpty || bytes(rank, model) <= limits[rank]
    }

    /// Bytes of the rank that was read last.
    package func bytes(_ rank: Int, _ model: OrderModel) -> Int {
        guard let memory = model.problem.memory else { return 0 }
        return model.stagesOfRank[rank].reduce(0) { sum, stage in
            sum + Int(stash[stage]) * memory.frameBytes[stage] + Int(gradients[stage]) * memory.gradientBytes[stage]
        }
    }

    private mutating func isSound(_ order: TokenOrder, _ rank: Int, _ model: OrderModel) -> Bool {
        for stage in model.stagesOfRank[rank] {
            (read[3 * stage], read[3 * stage + 1], read[3 * stage + 2]) = (0, 0, 0)
            (stash[stage], gradients[stage]) = (0, 0)
        }
        let whole = model.streams
        let (first, end) = (model.first[rank], model.first[rank] + order.count[rank])
        for index in first..<end {
            let token = Int(order.tokens[index])
            let stream = Int(model.stream[token])
            let (own, handedOn) = model.needs[token]
            let number = read[stream]
            if read[Int(own)] <= number || read[Int(handedOn)] <= number { return false }
            read[stream] = number + 1
            let stage = token >= whole ? token - whole : token / 3
            if token >= whole {
                // Ends ascend only if no earlier W is left.
                if read[stream + 1] != number { return false }
                gradients[stage] = max(gradients[stage], 1)
                read[stream + 1] = number + 1
            } else if stream == 3 * stage {
                stash[stage] = max(stash[stage], number + 1 - read[stream + 2])
            } else if stream == 3 * stage + 1 {
                gradients[stage] = max(gradients[stage], number + 1 - read[stream + 1])
            }
        }
        return true
    }
}
