// SPDX-License-Identifier: Apache-2.0

/// A problem in flat tables, which a search reads a million times.
///
/// A rank's order is a string of tokens. A token says what is done at which stage; of which microbatch follows from how many of
/// its kind stand before it, since every stage goes through the microbatches in ascending order. So the bits of results
/// are those of one stage, both ends of a link agree, and two tokens that change sides are always another order.
///
/// Of stage s, tokens 3s, 3s + 1 and 3s + 2 are F, I and W, and 3K + s is B. Streams, which count microbatches, are 3s, 3s + 1
/// and 3s + 2: those of forwards, of input gradients (I or B), and of ends (W or B).
package struct OrderModel: Sendable {
    let problem: OrderProblem
    /// For each token the rank that does it.
    let rankOfToken: [Int]
    /// For each rank its stages, ascending.
    let stagesOfRank: [[Int]]
    /// For each token how long it takes.
    let length: [Double]
    /// For each token the stream that it counts in: of B that of input gradients.
    let stream: [Int32]
    /// For each token two streams of its own rank that have to be ahead of its own; `always` where it needs none.
    let needs: [(Int32, Int32)]
    /// For each token the stream of another rank that it receives from; -1 for none.
    let input: [Int32]
    /// For each token what the hand-off of its input takes.
    let lag: [Double]
    /// For each token the stream of another rank that receives from it, -1 for none; and what the hand-off takes.
    let output: [Int32]
    let lagOut: [Double]
    /// For each token the other rank that waits for it; -1 for none.
    let receiver: [Int32]
    /// For each rank, where its tokens begin in the list of all ranks'; and the end of the list.
    let first: [Int]

    package init(_ problem: OrderProblem) {
        self.problem = problem
        let (rankOfStage, costs) = (problem.rankOfStage, problem.costs.stages)
        let stages = rankOfStage.count
        stagesOfRank = Schedule.stagesOfRanks(rankOfStage, ranks: problem.ranks)
        func tokens<Value>(_ value: (_ stage: Int, _ kind: Action.Kind) -> Value) -> [Value] {
            (0..<stages).flatMap { stage in
                [value(stage, .forward), value(stage, .backwardInput), value(stage, .backwardWeights)]
            } + (0..<stages).map { value($0, .backward) }
        }
        /// The stage that hands on to an action, from the same rank or another.
        func sender(_ stage: Int, _ kind: Action.Kind, isLocal: Bool) -> Int? {
            let sender = kind == .forward ? stage - 1 : stage + 1
            guard kind != .backwardWeights, rankOfStage.indices.contains(sender) else { return nil }
            return (rankOfStage[sender] == rankOfStage[stage]) == isLocal ? sender : nil
        }
        func part(_ kind: Action.Kind) -> Int { kind == .forward ? 0 : kind == .backwardWeights ? 2 : 1 }
        let always = Int32(3 * stages)
        rankOfToken = tokens { stage, _ in rankOfStage[stage] }
        length = tokens { stage, kind in costs[stage].duration(kind) }
        stream = tokens { stage, kind in Int32(3 * stage + part(kind)) }
        needs = tokens { stage, kind in
            let own = kind == .forward ? always : Int32(3 * stage + part(kind) - 1)
            let handedOn = sender(stage, kind, isLocal: true).map { Int32(3 * $0 + part(kind)) }
            return (own, handedOn ?? always)
        }
        input = tokens { stage, kind in
            sender(stage, kind, isLocal: false).map { Int32(3 * $0 + part(kind)) } ?? -1
        }
        lag = tokens { stage, kind in sender(stage, kind, isLocal: false).map { costs[$0].handOff } ?? 0 }
        /// The stage of another rank that an action hands on to.
        func next(_ stage: Int, _ kind: Action.Kind) -> Int? {
            let next = kind == .forward ? stage + 1 : stage - 1
            guard kind != .backwardWeights, rankOfStage.indices.contains(next) else { return nil }
            return rankOfStage[next] == rankOfStage[stage] ? nil : next
        }
        output = tokens { stage, kind in next(stage, kind).map { Int32(3 * $0 + part(kind)) } ?? -1 }
        lagOut = tokens { stage, kind in next(stage, kind) == nil ? 0 : costs[stage].handOff }
        receiver = tokens { stage, kind in next(stage, kind).map { Int32(rankOfStage[$0]) } ?? -1 }
        first = stagesOfRank.reduce(into: [0]) { $0.append($0.last! + 3 * $1.count * problem.microbatches) }
    }

    var stages: Int { problem.rankOfStage.count }
    var ranks: Int { problem.ranks }
    var microbatches: Int { problem.microbatches }
    /// How many streams there are; also the number of the one that is ahead of all, where a token needs none.
    var streams: Int { 3 * stages }

    /// Of a kind at a stage.
    func token(_ kind: Action.Kind, _ stage: Int) -> Int {
        switch kind {
        case .forward: 3 * stage
        case .backwardInput: 3 * stage + 1
        case .backwardWeights: 3 * stage + 2
        case .backward: streams + stage
        }
    }

    /// What a token stands for.
    func kind(_ token: Int) -> Action.Kind {
        if token >= streams { return .backward }
        return token % 3 == 0 ? .forward : token % 3 == 1 ? .backwardInput : .backwardWeights
    }

    /// The stage of a token.
    func stage(_ token: Int) -> Int { token >= streams ? token - streams : token / 3 }

    /// Whether a stage's backward is as short in one as in its two parts, or shorter.
    func isWholeShort(_ stage: Int) -> Bool {
        length[streams + stage] <= length[3 * stage + 1] + length[3 * stage + 2]
    }
}
