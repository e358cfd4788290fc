// SPDX-License-Identifier: Apache-2.0

import Threads

extension Schedule {
    /// The same order with each of the model's stages cut into parts that stay on its rank: where a rank did an action of a stage, it
    /// does those of its parts, forwards from the first to the last, all else from the last to the first.
    ///
    /// - Parameter parts: for each of the model's stages into how many, at least 1.
    public func refined(_ parts: [Int]) -> Schedule {
        require(parts.count == stagesOfCopy && parts.allSatisfy { $0 >= 1 }, "parts of each of \(stagesOfCopy) stages")
        let first = parts.reduce(into: [0]) { $0.append($0.last! + $1) }
        let actions = actions.map { list in
            list.flatMap { action -> [Action] in
                let start = copy(ofStage: action.stage) * first.last! + first[modelStage(action.stage)]
                let stages = start..<start + parts[modelStage(action.stage)]
                func part(_ stage: Int) -> Action {
                    Action(action.kind, stage: stage, microbatch: action.microbatch)
                }
                return action.kind == .forward ? stages.map(part) : stages.reversed().map(part)
            }
        }
        let ranks = rankOfStage.enumerated().flatMap { stage, rank in
            Array(repeating: rank, count: parts[modelStage(stage)])
        }
        return Schedule(
            ("\(name) of units", nil, nil), microbatches, (ranks, actions), (copies, replicas), refusal: refusal)
    }
}
