// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// A stage's layers and where everything they use lies.
struct Stage: Sendable {
    /// Counts over all ranks.
    let index: Int
    /// The copy of the model that it belongs to; in it, whether it is the first or the last stage.
    let copy: Int
    let isFirst: Bool
    let isLast: Bool
    let plan: StagePlan
    /// Shape of x; empty for the first stage.
    let inputShape: Shape
    /// Shape of y; empty for the last stage.
    let outputShape: Shape

    /// What a microbatch adds to the activation memory while it is in flight: its stash, unless that is done again, and the
    /// received input.
    let activationBytes: Int
    /// What a microbatch adds to that from its I to its W: its gradient frame, and the received gradient.
    let gradientBytes: Int

    private let layers: [any Layer]
    /// The outputs of all layers but the last.
    private let between: [Kept]
    /// The gradients at those outputs: one each when I and W come apart, else two that take turns.
    private let dBetween: [KeptGradient]
    /// Where a recomputed forward puts its y, which nobody needs; nil when nothing is recomputed, and on the last stage.
    private let unusedOutput: Kept?

    /// Plans a stage in an empty plan. `previousColumns` is the width of what it receives, 0 for the first.
    init(
        index: Int, of schedule: Schedule, units: ArraySlice<Unit>, previousColumns: Int, plan empty: StagePlan,
        recomputes: Bool
    ) {
        var plan = empty
        let (batch, splitsBackward) = (plan.batch, plan.splitsBackward)
        let inner = units.dropLast()
        let widest = inner.map(\.outputColumns).max() ?? 0
        dBetween = inner.enumerated().prefix(splitsBackward ? inner.count : 2).map { _, unit in
            plan.keepGradient(Shape(batch.tokens, splitsBackward ? unit.outputColumns : widest))
        }
        plan.endSharedPart()
        layers = units.map { unit in
            defer { plan.endUnit() }
            return unit.make(&plan)
        }
        between = inner.map { plan.keep(Shape(batch.tokens, $0.outputColumns)) }
        copy = schedule.copy(ofStage: index)
        isFirst = schedule.isFirst(index)
        isLast = schedule.isLast(index)
        inputShape = Shape(previousColumns == 0 ? 0 : batch.tokens, previousColumns)
        outputShape = Shape(isLast ? 0 : batch.tokens, units.last!.outputColumns)
        unusedOutput = recomputes && !isLast ? plan.keep(outputShape) : nil
        plan.endStage()
        // What has more elements than an Int can count is refused before anything runs.
        func bytes(_ shape: Shape) -> Int { min(shape.checkedCount ?? .max, 1 << 60) * 4 }
        activationBytes = (recomputes ? 0 : plan.stash.stride) + bytes(inputShape)
        gradientBytes = plan.gradientStash.peak.stride + bytes(outputShape)
        self.index = index
        self.plan = plan
    }

    /// Bytes of its parameters.
    var weightBytes: Int { plan.parameters.reduce(0) { $0 + $1.shape.count * 4 } }

    /// Packs the weights for backwards, as they are now.
    func packWeights(_ frame: Frame) {
        for weight in plan.linearWeights { weight.pack(frame) }
    }

    /// y = the stage's layers applied to x, one after the other; the last writes straight into y.
    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        for (index, layer) in layers.enumerated() {
            layer.forward(input(index, x, frame), into: index == between.count ? y : frame[between[index]], frame)
        }
    }

    /// The forward again, for what it keeps in the stash.
    func recompute(_ x: Tensor, _ frame: Frame) {
        forward(x, into: unusedOutput.map { frame[$0] } ?? .none, frame)
    }

    /// Both gradients, layer by layer.
    func backward(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        for index in layers.indices.reversed() {
            let dOutput = gradient(after: index, dy, frame)
            let dInput = index == 0 ? dx : gradient(after: index - 1, dy, frame)
            layers[index].backwardInput(dOutput, input: input(index, x, frame), into: dInput, frame)
            layers[index].backwardWeights(dOutput, input: input(index, x, frame), frame)
        }
    }

    /// dx, keeping in the gradient stash what `backwardWeights` needs.
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        for index in layers.indices.reversed() {
            let dInput = index == 0 ? dx : gradient(after: index - 1, dy, frame)
            layers[index].backwardInput(
                gradient(after: index, dy, frame), input: input(index, x, frame), into: dInput, frame)
        }
    }

    /// The gradients of the weights, after `backwardInput` of the same microbatch.
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        for index in layers.indices.reversed() {
            layers[index].backwardWeights(gradient(after: index, dy, frame), input: input(index, x, frame), frame)
        }
    }

    private func input(_ index: Int, _ x: Tensor, _ frame: Frame) -> Tensor {
        index == 0 ? x : frame[between[index - 1]]
    }

    private func gradient(after index: Int, _ dy: Tensor, _ frame: Frame) -> Tensor {
        if index == between.count { return dy }
        let kept = frame[dBetween[index % dBetween.count]]
        return kept.elements(0..<between[index].shape.count).reshaped(between[index].shape)
    }
}
