// SPDX-License-Identifier: Apache-2.0

/// For each stage, the least that its steps take, whichever of the allowed backwards an order has.
///
/// Where both are allowed: the gradient that is handed on takes at least i = min(I, B), all of a backward at least min(I + W, B),
/// and what is left of that after i can be done later, as W can. So these are an order's own times, or its times with some cut
/// out and some of B handed on early, which makes no order longer.
struct BoundLengths {
    let forward, gradient, end: [Double]
    /// Whether a stage's backwards may be whole, and whether they may come apart.
    let mayBeWhole, mayBeSplit: [Bool]

    init(_ costs: OrderCosts, _ backwards: ExactOrder.Backwards) {
        let forms = costs.stages.map { backwards.forms($0) }
        forward = costs.stages.map(\.forward)
        mayBeWhole = forms.map(\.whole)
        mayBeSplit = forms.map(\.split)
        let parts = zip(costs.stages, forms).map { stage, forms -> (gradient: Double, end: Double) in
            let (whole, input) = (stage.duration(.backward), stage.inputGradient)
            if !forms.split { return (whole, 0) }
            if !forms.whole { return (input, stage.weightGradient) }
            return (min(input, whole), max(0, min(input + stage.weightGradient, whole) - min(input, whole)))
        }
        gradient = parts.map(\.gradient)
        end = parts.map(\.end)
    }

    /// Of a step of a stage.
    subscript(step: Int, stage: Int) -> Double {
        switch step {
        case BoundGraph.Step.forward: forward[stage]
        case BoundGraph.Step.gradient: gradient[stage]
        default: end[stage]
        }
    }

    /// Of all that a stage does with a microbatch.
    func work(_ stage: Int) -> Double { forward[stage] + gradient[stage] + end[stage] }
}

/// For each stage, the most frames and gradients that may be there at once; never more than M.
struct BoundRoom {
    var frames, gradients: [Int]

    /// Where everything else that a rank holds is at its least: one of each kind for each stage.
    init(_ problem: OrderProblem) {
        let count = problem.rankOfStage.count
        frames = Array(repeating: problem.microbatches, count: count)
        gradients = frames
        guard let memory = problem.memory else { return }
        for (stage, rank) in problem.rankOfStage.enumerated() {
            let left = memory.limitOfRank[rank] - memory.leastBytes(rank, problem.rankOfStage)
            frames[stage] = Self.most(1, left, memory.frameBytes[stage], of: problem.microbatches)
            gradients[stage] = min(
                frames[stage], Self.most(1, left, memory.gradientBytes[stage], of: problem.microbatches))
        }
    }

    /// How many there may be, of which there are so many already and for which so many bytes are left.
    @inline(__always)
    static func most(_ present: Int, _ left: Int, _ bytes: Int, of microbatches: Int) -> Int {
        bytes > 0 ? min(microbatches, present + max(0, left) / bytes) : microbatches
    }

    /// The first rank that cannot hold one microbatch of each of its stages, as every order needs; nil where there is none.
    static func rankWithout(_ problem: OrderProblem) -> Int? {
        guard let memory = problem.memory else { return nil }
        return (0..<problem.ranks).first {
            memory.leastBytes($0, problem.rankOfStage) > memory.limitOfRank[$0]
        }
    }
}

extension OrderMemory {
    /// What a rank holds with one of each kind for each of its stages, which every order needs.
    func leastBytes(_ rank: Int, _ rankOfStage: [Int]) -> Int {
        rankOfStage.indices.reduce(0) {
            rankOfStage[$1] == rank ? $0 + frameBytes[$1] + gradientBytes[$1] : $0
        }
    }
}
