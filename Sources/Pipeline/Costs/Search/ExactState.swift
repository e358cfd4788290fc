// SPDX-License-Identifier: Apache-2.0

/// An action that could be done next.
struct ExactChoice {
    /// Of `BoundGraph.Step`; `whole` for a whole backward.
    let step, stage, microbatch: Int
    let start, end: Double

    /// A step that is the gradient and the end at once.
    static let whole = 3
}

/// A part of an order: what has been done, and when.
struct ExactState {
    let graph: BoundGraph
    let times: ExactTimes
    var done: BoundGraph.Done
    /// For each rank, when it has done its part of that.
    var free: [Double]
    /// For each rank, the moment before which its next action must not begin.
    var held: [Double]
    var memory: ExactMemory

    init(_ problem: OrderProblem, _ graph: BoundGraph) {
        (self.graph, times) = (graph, ExactTimes(problem.costs))
        done = BoundGraph.Done(graph)
        free = Array(repeating: 0, count: problem.ranks)
        held = free
        memory = ExactMemory(problem, graph.lengths)
    }

    @inline(__always)
    func count(_ step: Int, _ stage: Int) -> Int { done.counts[3 * stage + step] }

    /// How many microbatches a stage holds, and gradients.
    @inline(__always)
    func frames(_ stage: Int) -> Int { count(BoundGraph.Step.forward, stage) - count(BoundGraph.Step.end, stage) }
    @inline(__always)
    func gradients(_ stage: Int) -> Int { count(BoundGraph.Step.gradient, stage) - count(BoundGraph.Step.end, stage) }

    // MARK: Choices

    /// Adds what could be done next: what it needs is done, there is room for it, and its rank is not held.
    func addChoices(to list: inout [ExactChoice]) {
        for stage in 0..<graph.stages {
            let forward = count(BoundGraph.Step.forward, stage)
            if forward < (stage > 0 ? count(BoundGraph.Step.forward, stage - 1) : graph.microbatches),
                memory.hasRoom(frames: frames(stage) + 1, stage)
            {
                add(BoundGraph.Step.forward, stage, forward, to: &list)
            }
            addBackwards(stage, forward, to: &list)
        }
    }

    private func addBackwards(_ stage: Int, _ forwards: Int, to list: inout [ExactChoice]) {
        let (gradient, end) = (count(BoundGraph.Step.gradient, stage), count(BoundGraph.Step.end, stage))
        let isLast = stage + 1 == graph.stages
        if gradient < forwards, isLast || gradient < count(BoundGraph.Step.gradient, stage + 1),
            memory.hasRoom(gradients: gradient - end + 1, stage)
        {
            if graph.lengths.mayBeSplit[stage] { add(BoundGraph.Step.gradient, stage, gradient, to: &list) }
            // Weight gradients are added up in ascending order.
            if graph.lengths.mayBeWhole[stage], end == gradient { add(ExactChoice.whole, stage, gradient, to: &list) }
        }
        if end < gradient { add(BoundGraph.Step.end, stage, end, to: &list) }
    }

    @inline(__always)
    private func add(_ step: Int, _ stage: Int, _ microbatch: Int, to list: inout [ExactChoice]) {
        let rank = graph.rankOfStage[stage]
        var start = free[rank]
        if step != BoundGraph.Step.end {
            let received = step == ExactChoice.whole ? BoundGraph.Step.gradient : step
            start = max(start, done.arrival[graph.index(received, stage, microbatch)])
        }
        if start < held[rank] { return }
        list.append(
            ExactChoice(
                step: step, stage: stage, microbatch: microbatch, start: start, end: start + times[step, stage]))
    }

    // MARK: Doing and undoing

    /// What doing an action has changed besides counts.
    struct Undo {
        let free: Double
        let isNewPeak: Bool
    }

    mutating func apply(_ choice: ExactChoice) -> Undo {
        let (stage, rank) = (choice.stage, graph.rankOfStage[choice.stage])
        let before = free[rank]
        free[rank] = choice.end
        if choice.step == BoundGraph.Step.end {
            done.counts[3 * stage + BoundGraph.Step.end] += 1
            return Undo(free: before, isNewPeak: false)
        }
        handOn(choice)
        if choice.step == BoundGraph.Step.forward {
            done.counts[3 * stage] += 1
            return Undo(free: before, isNewPeak: memory.take(frames: frames(stage), stage))
        }
        done.counts[3 * stage + BoundGraph.Step.gradient] += 1
        let isNewPeak = memory.take(gradients: gradients(stage), stage)
        if choice.step == ExactChoice.whole { done.counts[3 * stage + BoundGraph.Step.end] += 1 }
        return Undo(free: before, isNewPeak: isNewPeak)
    }

    private mutating func handOn(_ choice: ExactChoice) {
        let stage = choice.stage
        if choice.step == BoundGraph.Step.forward {
            if stage + 1 < graph.stages {
                let index = graph.index(BoundGraph.Step.forward, stage + 1, choice.microbatch)
                done.arrival[index] = choice.end + graph.toNext[stage]
            }
        } else if stage > 0 {
            let index = graph.index(BoundGraph.Step.gradient, stage - 1, choice.microbatch)
            done.arrival[index] = choice.end + graph.toPrevious[stage]
        }
    }

    mutating func undo(_ choice: ExactChoice, _ undo: Undo) {
        let stage = choice.stage
        free[graph.rankOfStage[stage]] = undo.free
        switch choice.step {
        case BoundGraph.Step.forward:
            done.counts[3 * stage] -= 1
            if undo.isNewPeak { memory.undoFrame(stage) }
        case BoundGraph.Step.end: done.counts[3 * stage + BoundGraph.Step.end] -= 1
        default:
            done.counts[3 * stage + BoundGraph.Step.gradient] -= 1
            if choice.step == ExactChoice.whole { done.counts[3 * stage + BoundGraph.Step.end] -= 1 }
            if undo.isNewPeak { memory.undoGradient(stage) }
        }
    }
}

/// For each stage, how long its actions take.
struct ExactTimes {
    /// By `4 * stage + step`.
    private let times: [Double]

    init(_ costs: OrderCosts) {
        times = costs.stages.flatMap { stage in
            [stage.forward, stage.inputGradient, stage.weightGradient, stage.duration(.backward)]
        }
    }

    @inline(__always)
    subscript(step: Int, stage: Int) -> Double { times[4 * stage + step] }
}
