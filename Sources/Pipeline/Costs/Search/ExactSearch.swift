// SPDX-License-Identifier: Apache-2.0

import Threads

/// The search of `ExactOrder`, which says why it misses nothing: depth first, all that it changes undone on the way back.
struct ExactSearch {
    private let problem: OrderProblem
    private let nodeLimit: Int
    private var state: ExactState
    private var bound: ExactBound
    private var seen: ExactSeen
    /// Of all nodes on the way down: each one's behind the one's before it.
    private var choices: [ExactChoice] = []
    /// What has been done, one after the other.
    private var trail: [Action] = []
    private var bestMakespan = Double.infinity

    /// The shortest order that was found, as all its actions one after the other.
    private(set) var best: [Action]?
    /// How many parts of orders were looked at.
    private(set) var nodes = 0
    /// Whether the limit ended it.
    private(set) var isStopped = false

    init(_ problem: OrderProblem, _ backwards: ExactOrder.Backwards, nodeLimit: Int) {
        let isPositive = problem.costs.stages.allSatisfy { stage in
            let forms = backwards.forms(stage)
            let parts = forms.split ? min(stage.inputGradient, stage.weightGradient) : .infinity
            return min(stage.forward, parts, forms.whole ? stage.duration(.backward) : .infinity) > 0
                && stage.handOff >= 0
        }
        require(isPositive, "every action of an order that is searched for takes some time")
        (self.problem, self.nodeLimit) = (problem, nodeLimit)
        let graph = BoundGraph(problem, backwards)
        state = ExactState(problem, graph)
        bound = ExactBound(problem, graph)
        seen = ExactSeen(graph)
    }

    mutating func run() {
        if BoundRoom.rankWithout(problem) == nil { visit(isNew: true) }
    }

    /// - Parameter isNew: whether an action has been done since the node before, so that parts of the same actions may have been
    ///   seen; what a rank is held from is seen as the node before.
    private mutating func visit(isNew: Bool) {
        if nodes >= nodeLimit { isStopped = true }
        if isStopped { return }
        nodes += 1
        if state.isComplete { return keep() }
        // What rounding may add to one sum and not to another is no gain.
        if bound.value(state, atMost: bestMakespan * (1 - 1e-12)) >= bestMakespan * (1 - 1e-12) { return }
        if isNew && seen.hasBetter(than: state) { return }
        branch()
    }

    private mutating func keep() {
        let makespan = state.free.max() ?? 0
        if makespan < bestMakespan { (bestMakespan, best) = (makespan, trail) }
    }

    private mutating func branch() {
        let base = choices.count
        state.addChoices(to: &choices)
        defer { choices.removeLast(choices.count - base) }
        guard let first = choices[base...].min(by: { $0.end < $1.end }) else { return }
        let rank = state.graph.rankOfStage[first.stage]
        keepChoices(from: base, of: rank, before: first.end)
        for index in base..<choices.count {
            let choice = choices[index]
            let undo = state.apply(choice)
            trail.append(choice.action)
            visit(isNew: true)
            trail.removeLast()
            state.undo(choice, undo)
            if isStopped { return }
        }
        if mustHold(first) {
            let before = state.held[rank]
            state.held[rank] = first.end
            visit(isNew: false)
            state.held[rank] = before
        }
    }

    /// Leaves those of one rank that begin before a moment, those first that have most to come after them.
    private mutating func keepChoices(from base: Int, of rank: Int, before end: Double) {
        var count = base
        for index in base..<choices.count {
            let choice = choices[index]
            if state.graph.rankOfStage[choice.stage] != rank || choice.start >= end { continue }
            choices[count] = choice
            var at = count
            while at > base, bound.tail(choices[at - 1]) < bound.tail(choices[at]) {
                choices.swapAt(at - 1, at)
                at -= 1
            }
            count += 1
        }
        choices.removeLast(choices.count - count)
    }

    /// Whether an order may be the best in which the rank waits until an action that it could have done by then is over.
    ///
    /// Doing a W sooner only gives memory back, and so does a B. An F that is done sooner holds a frame for longer: since it is
    /// its stage's next F, no more than it holds then; that matters where it is a new peak and the rank might need the bytes for another one. So
    /// does an I with a gradient. Where a backward may have both forms, the other one may end too late to be done before.
    private func mustHold(_ choice: ExactChoice) -> Bool {
        let stage = choice.stage
        switch choice.step {
        case BoundGraph.Step.forward: return !state.memory.isAlwaysRoom(frames: state.frames(stage) + 1, stage)
        case BoundGraph.Step.end: return false
        default:
            let lengths = state.graph.lengths
            if lengths.mayBeWhole[stage] { return lengths.mayBeSplit[stage] }
            return !state.memory.isAlwaysRoom(gradients: state.gradients(stage) + 1, stage)
        }
    }
}

extension ExactChoice {
    var action: Action {
        let kind: Action.Kind =
            switch step {
            case BoundGraph.Step.forward: .forward
            case BoundGraph.Step.gradient: .backwardInput
            case BoundGraph.Step.end: .backwardWeights
            default: .backward
            }
        return Action(kind, stage: stage, microbatch: microbatch)
    }
}

extension ExactState {
    /// Whether all has been done.
    var isComplete: Bool {
        for stage in 0..<graph.stages where count(BoundGraph.Step.end, stage) < graph.microbatches { return false }
        return true
    }
}
