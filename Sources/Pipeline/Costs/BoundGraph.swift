// SPDX-License-Identifier: Apache-2.0

/// What has to come before what in every order of a problem, and how long it takes at least: longest chains in it are times that no
/// order can beat, and heads and tails of what each rank does alone.
///
/// Microbatches are alike, so the m-th forward of a stage may be called microbatch m's, and the m-th backward and the m-th W too
/// (`ExactOrder` says why). Then, besides what is handed on, in every order
///
/// - a stage's actions of one kind come one after the other: its forward of m after its forward of m - 1;
/// - with room for k frames of a stage, its forward of m comes after microbatch m - k has left it: of the m + 1 that have begun at
///   most k are there. So k microbatches take at least as long as one takes from its forward at the stage, through all later
///   stages and back, to its B or W there;
/// - with room for k gradients of a stage, its I or B of m comes after the W or B of m - k, for the same reason.
///
/// Both latter ones hold for the largest k that the rank's limit leaves when all else that it holds is at its least.
struct BoundGraph {
    /// What a stage does with a microbatch; a whole backward is the second, and nothing comes third.
    enum Step { static let forward = 0, gradient = 1, end = 2 }

    let stages: Int
    let microbatches: Int
    let rankOfStage: [Int]
    /// For each stage, the least that its steps take.
    let lengths: BoundLengths
    /// For each stage, hand-offs to the next and to the one before; 0 within a rank.
    let toNext, toPrevious: [Double]

    init(_ problem: OrderProblem, _ backwards: ExactOrder.Backwards) {
        (stages, microbatches, rankOfStage) = (problem.rankOfStage.count, problem.microbatches, problem.rankOfStage)
        lengths = BoundLengths(problem.costs, backwards)
        func handOff(_ stage: Int, _ other: Int) -> Double {
            let ranks = problem.rankOfStage
            return ranks.indices.contains(other) && ranks[other] != ranks[stage]
                ? problem.costs.stages[stage].handOff : 0
        }
        toNext = rankOfStage.indices.map { handOff($0, $0 + 1) }
        toPrevious = rankOfStage.indices.map { handOff($0, $0 - 1) }
    }

    /// How many steps there are: the count of lists of heads and tails.
    var count: Int { 3 * stages * microbatches }

    /// The index of a step in such lists.
    @inline(__always)
    func index(_ step: Int, _ stage: Int, _ microbatch: Int) -> Int { 3 * (microbatch * stages + stage) + step }

    // MARK: Heads

    /// What has been done of an order, of which heads are counted on.
    struct Done {
        /// For each stage and step (`3 * stage + step`), of how many microbatches.
        var counts: [Int]
        /// By index of a forward or gradient: when what it receives is there, where that has been done.
        var arrival: [Double]

        /// Nothing of any.
        init(_ graph: BoundGraph) {
            counts = Array(repeating: 0, count: 3 * graph.stages)
            arrival = Array(repeating: 0, count: graph.count)
        }
    }

    /// For each step that is left, the earliest moment at which it can begin; others keep what stands there.
    ///
    /// - Parameter free: for each rank, the moment from which on it does what is left.
    func fillHeads(_ heads: inout [Double], after done: Done, free: [Double], _ room: BoundRoom) {
        for microbatch in 0..<microbatches {
            for stage in 0..<stages where microbatch >= done.counts[3 * stage] {
                heads[index(Step.forward, stage, microbatch)] = forwardHead(stage, microbatch, heads, done, free, room)
            }
            for stage in (0..<stages).reversed() {
                if microbatch >= done.counts[3 * stage + Step.gradient] {
                    heads[index(Step.gradient, stage, microbatch)] = gradientHead(
                        stage, microbatch, heads, done, free, room)
                }
                if microbatch >= done.counts[3 * stage + Step.end] {
                    heads[index(Step.end, stage, microbatch)] = endHead(stage, microbatch, heads, done, free)
                }
            }
        }
    }

    @inline(__always)
    private func forwardHead(
        _ stage: Int, _ microbatch: Int, _ heads: [Double], _ done: Done, _ free: [Double], _ room: BoundRoom
    ) -> Double {
        var head = free[rankOfStage[stage]]
        if stage > 0 {
            head = max(
                head,
                microbatch < done.counts[3 * (stage - 1)]
                    ? done.arrival[index(Step.forward, stage, microbatch)]
                    : heads[index(Step.forward, stage - 1, microbatch)] + lengths.forward[stage - 1] + toNext[stage - 1]
            )
        }
        if microbatch > done.counts[3 * stage] {
            head = max(head, heads[index(Step.forward, stage, microbatch - 1)] + lengths.forward[stage])
        }
        let left = microbatch - room.frames[stage]
        if left >= done.counts[3 * stage + Step.end] {
            head = max(head, heads[index(Step.end, stage, left)] + lengths.end[stage])
        }
        return head
    }

    @inline(__always)
    private func gradientHead(
        _ stage: Int, _ microbatch: Int, _ heads: [Double], _ done: Done, _ free: [Double], _ room: BoundRoom
    ) -> Double {
        var head = free[rankOfStage[stage]]
        if microbatch >= done.counts[3 * stage] {
            head = max(head, heads[index(Step.forward, stage, microbatch)] + lengths.forward[stage])
        }
        if stage + 1 < stages {
            head = max(
                head,
                microbatch < done.counts[3 * (stage + 1) + Step.gradient]
                    ? done.arrival[index(Step.gradient, stage, microbatch)]
                    : heads[index(Step.gradient, stage + 1, microbatch)] + lengths.gradient[stage + 1]
                        + toPrevious[stage + 1])
        }
        if microbatch > done.counts[3 * stage + Step.gradient] {
            head = max(head, heads[index(Step.gradient, stage, microbatch - 1)] + lengths.gradient[stage])
        }
        let left = microbatch - room.gradients[stage]
        if left >= done.counts[3 * stage + Step.end] {
            head = max(head, heads[index(Step.end, stage, left)] + lengths.end[stage])
        }
        return head
    }

    @inline(__always)
    private func endHead(_ stage: Int, _ microbatch: Int, _ heads: [Double], _ done: Done, _ free: [Double]) -> Double {
        var head = free[rankOfStage[stage]]
        if microbatch >= done.counts[3 * stage + Step.gradient] {
            head = max(head, heads[index(Step.gradient, stage, microbatch)] + lengths.gradient[stage])
        }
        if microbatch > done.counts[3 * stage + Step.end] {
            head = max(head, heads[index(Step.end, stage, microbatch - 1)] + lengths.end[stage])
        }
        return head
    }

    // MARK: Tails

    /// For each step, the longest chain that has to come after it.
    func tails(_ room: BoundRoom) -> [Double] {
        var tails = [Double](repeating: 0, count: count)
        for microbatch in (0..<microbatches).reversed() {
            for stage in 0..<stages {
                for step in [Step.end, Step.gradient] {
                    tails[index(step, stage, microbatch)] = tail(step, stage, microbatch, tails, room)
                }
            }
            for stage in (0..<stages).reversed() {
                tails[index(Step.forward, stage, microbatch)] = tail(Step.forward, stage, microbatch, tails, room)
            }
        }
        return tails
    }

    private func tail(_ step: Int, _ stage: Int, _ microbatch: Int, _ tails: [Double], _ room: BoundRoom) -> Double {
        followers(of: step, stage, microbatch, room).reduce(0) {
            max($0, $1.gap + length(of: $1.index) + tails[$1.index])
        }
    }

    /// How long a step takes at least.
    func length(of index: Int) -> Double {
        lengths[index % 3, index / 3 % stages]
    }

    /// The steps that have to come after a step, those of its own microbatch first, with the hand-off between.
    func followers(
        of step: Int, _ stage: Int, _ microbatch: Int, _ room: BoundRoom
    ) -> [(index: Int, gap: Double)] {
        var list: [(index: Int, gap: Double)] = []
        func add(_ step: Int, _ stage: Int, _ microbatch: Int, gap: Double = 0) {
            if microbatch < microbatches { list.append((index(step, stage, microbatch), gap)) }
        }
        switch step {
        case Step.forward:
            if stage + 1 < stages { add(Step.forward, stage + 1, microbatch, gap: toNext[stage]) }
            add(Step.gradient, stage, microbatch)
        case Step.gradient:
            if stage > 0 { add(Step.gradient, stage - 1, microbatch, gap: toPrevious[stage]) }
            add(Step.end, stage, microbatch)
        default:
            add(Step.forward, stage, microbatch + room.frames[stage])
            add(Step.gradient, stage, microbatch + room.gradients[stage])
        }
        add(step, stage, microbatch + 1)
        return list
    }
}
