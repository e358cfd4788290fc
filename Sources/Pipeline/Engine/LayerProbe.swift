// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// One unit alone, with memory of its own: to try out a layer, to check its gradients, to time it.
///
/// A layer that a user writes is right when `gradientErrors` is small for odd shapes: it looks at the gradients and at what `Layer`
/// demands besides. Not thread safe.
public final class LayerProbe {
    /// The unit's, in the order in which its layer reserved them.
    public let parameters: [ParameterSpec]
    /// [tokens, input columns]. The caller fills it, and it must not change until the backward is done.
    public let x: Tensor
    /// [tokens, input columns]. What `backwardInput` gives.
    public let dx: Tensor
    /// [tokens, output columns]. What `forward` gives.
    public let y: Tensor
    /// [tokens, output columns]. The caller fills it before the backward.
    public let dy: Tensor
    /// [tokens], for layers that read them; all zero at first.
    public let tokens: Tokens
    /// [tokens], for layers that read them; all zero at first.
    public let targets: Tokens

    private let layer: any Layer
    private let frame: Frame
    private let linearWeights: [LinearWeight]
    /// The parameters and their gradients as the caller sees them.
    private let weightImage: CheckpointImage
    private let gradientImage: CheckpointImage
    private let segment: Segment

    /// - Parameters:
    ///   - unit: what to try; one that planning a run would refuse traps.
    ///   - inputColumns: 0 for a layer that reads tokens.
    ///   - batch: the microbatch's sequences and their length; odd sizes find more than round ones.
    ///   - seed: of the parameters' start, and of dropout.
    ///   - simd: how wide the kernels' vectors are.
    ///   - dropout: the rate at which elements are dropped.
    ///   - microbatch: the one that the dropout is of.
    ///   - step: the one that the dropout is of.
    ///   - weightLayout: how the weights of linear maps are stored, which changes no bit.
    /// - Throws: `SegmentError`.
    public init(
        _ unit: Unit, inputColumns: Int, batch: BatchShape, seed: UInt64 = 0, simd: SIMDLevel = .best,
        dropout: Double = 0, microbatch: Int = 0, step: Int = 0, weightLayout: WeightLayout = .panels
    ) throws(SegmentError) {
        var plan = StagePlan(
            batch: batch, splitsBackward: true, dropsElements: dropout > 0, weightLayout: weightLayout)
        Self.check(unit, inputColumns, batch)
        layer = unit.make(&plan)
        plan.endUnit()
        var layout = SegmentLayout()
        let input = Shape(inputColumns == 0 ? 0 : batch.tokens, inputColumns)
        let output = Shape(unit.outputColumns == 0 ? 0 : batch.tokens, unit.outputColumns)
        let activations = [input, input, output, output].map { layout.reserve($0) }
        let ids = (0..<2).map { _ in layout.reserve(bytes: 4 * batch.tokens) }
        let weights = layout.reserve(plan.weights)
        let gradients = layout.reserve(plan.weights)
        let stash = layout.reserve(plan.stash)
        let gradientStash = layout.reserve(plan.gradientStash.peak)
        let scratch = layout.reserve(plan.scratch.peak)
        let packed = layout.reserve(plan.packed)
        let workspace = layout.reserve(Kernels.workspaceShape())
        let loss = layout.reserve(Shape(1))
        let stepNumber = layout.reserve(bytes: 4)

        segment = try Segment(bytes: layout.bytes, backing: .privateMemory)
        let arena = segment.arena
        (x, dx) = (arena.tensor(activations[0], input), arena.tensor(activations[1], input))
        (y, dy) = (arena.tensor(activations[2], output), arena.tensor(activations[3], output))
        (tokens, targets) = (arena.tokens(ids[0]), arena.tokens(ids[1]))
        frame = Frame(
            plan: plan.id, weights: arena.part(weights, of: plan.weights),
            gradients: arena.part(gradients, of: plan.weights),
            stash: arena.part(stash, of: plan.stash),
            gradientStash: arena.part(gradientStash, of: plan.gradientStash.peak),
            scratch: arena.part(scratch, of: plan.scratch.peak), packed: arena.part(packed, of: plan.packed),
            packsWeights: false,
            kernels: Kernels(level: simd, workspace: arena.tensor(workspace, Kernels.workspaceShape())), batch: batch,
            dropout: DropoutState(rate: dropout, seed: seed, microbatch: microbatch, step: arena.tokens(stepNumber)),
            tokens: tokens, targets: targets, gradientScale: 1, loss: arena.tensor(loss, Shape(1)))
        frame.dropout.step[0] = Int32(step)
        parameters = plan.parameters
        linearWeights = plan.linearWeights
        weightImage = try Self.image(plan.parameters)
        gradientImage = try Self.image(plan.parameters)
        for parameter in parameters { parameter.initialize(weight(parameter), seed: seed) }
    }

    /// What planning a run would refuse is a caller's bug here.
    private static func check(_ unit: Unit, _ inputColumns: Int, _ batch: BatchShape) {
        require(inputColumns >= 0 && batch.tokens >= 1, "a probe of \(inputColumns) input columns and \(batch)")
        do throws(ModelError) {
            let cost = unit.cost(batch)
            try cost.check(unit, takes: inputColumns, from: nil)
            try Model.checkNames([unit], [cost])
        } catch {
            trap(error.description)
        }
    }

    private static func image(_ parameters: [ParameterSpec]) throws(SegmentError) -> CheckpointImage {
        let plan = CheckpointImage.Plan(parameters)
        return CheckpointImage(plan, segment: try Segment(bytes: plan.layout.bytes, backing: .privateMemory))
    }

    /// The next forward takes what is written here.
    public func weight(_ parameter: ParameterSpec) -> Tensor { weightImage.tensor(parameter) }
    /// As it is at the call.
    public func gradient(_ parameter: ParameterSpec) -> Tensor {
        parameter.load(into: gradientImage.tensor(parameter), from: frame.gradients, frame.kernels)
        return gradientImage.tensor(parameter)
    }

    /// What a loss layer computed in the last forward.
    public var loss: Float { frame.loss[0] }

    /// With the weights as they are now.
    public func forward() {
        for parameter in parameters { parameter.store(weight(parameter), in: frame.weights, frame.kernels) }
        for weight in linearWeights { weight.pack(frame) }
        layer.forward(x, into: y, frame)
    }
    /// Overwrites dx; comes after `forward`.
    public func backwardInput() { layer.backwardInput(dy, input: x, into: dx, frame) }
    /// Adds to the parameters' gradients; comes after `backwardInput`.
    public func backwardWeights() { layer.backwardWeights(dy, input: x, frame) }

    /// Sets the parameters' gradients to zero.
    public func clearGradients() { frame.gradients.floats.fill(0) }
}

extension LayerProbe {
    /// Compares the gradients with central differences of the forward, along random directions.
    ///
    /// The function differentiated is sum(y * dy) (or the loss, for a layer without output), summed in double. For x and
    /// for each parameter, the derivative along a random direction is taken both ways; the error is their difference over
    /// the gradient's norm times the direction's.
    ///
    /// - Parameters:
    ///   - step: how far the central difference goes to each side.
    ///   - directions: how many are tried for each tensor; the largest error counts.
    ///   - seed: of the directions.
    /// - Returns: the error for `x` (when there is one) and for each parameter, by name. It is infinite where a layer does not keep to
    ///   `Layer`'s contract: y and dx are overwritten, gradients of parameters are added to, room may hold anything at first, x and
    ///   dy are only read (`dy` is in the result when it was written to).
    public func gradientErrors(step: Float = 1e-2, directions: Int = 4, seed: UInt64 = 1) -> [String: Double] {
        clearGradients()
        var written = inputsWritten()
        let first = parameters.map { gradient($0).values }
        written.formUnion(inputsWritten())
        // What the second microbatch has added: a layer that overwrites has added nothing.
        var tensors = zip(parameters, first).map { parameter, first in
            (parameter.name, weight(parameter), zip(gradient(parameter).values, first).map(-))
        }
        if x.count > 0 { tensors.append(("x", x, dx.values)) }
        var errors: [String: Double] = [:]
        for name in written { errors[name] = .infinity }
        for (name, tensor, gradient) in tensors {
            for direction in 0..<directions {
                let error = directionalError(
                    tensor, gradient, step, CounterRandom(seed: seed &+ UInt64(direction), name: name))
                errors[name] = max(errors[name] ?? 0, error.isNaN ? .infinity : error)
            }
        }
        return errors
    }

    /// One microbatch, with numbers that are none wherever the layer has to write.
    /// - Returns: `x` and `dy`, if they were written to.
    private func inputsWritten() -> Set<String> {
        let inputs = [("x", x, x.values.map(\.bitPattern)), ("dy", dy, dy.values.map(\.bitPattern))]
        let steps: [(Tensor?, () -> Void)] = [(y, forward), (dx, backwardInput), (nil, backwardWeights)]
        for (output, call) in steps {
            output?.fill(.nan)
            frame.scratch.floats.fill(.nan)
            call()
        }
        return Set(inputs.filter { $0.1.values.map(\.bitPattern) != $0.2 }.map(\.0))
    }

    private func directionalError(
        _ tensor: Tensor, _ gradient: [Float], _ step: Float, _ random: CounterRandom
    ) -> Double {
        let direction = (0..<tensor.count).map { random.bits(at: UInt64($0)) & 1 == 0 ? Float(1) : -1 }
        let start = tensor.values
        func value(_ side: Float) -> Double {
            for index in start.indices { tensor[index] = start[index] + side * step * direction[index] }
            y.fill(.nan)
            forward()
            return objective
        }
        let difference = value(1) - value(-1)
        for index in start.indices { tensor[index] = start[index] }
        // The steps that fp32 really took, not the ones asked for.
        let moved = start.indices.map { index in
            Double(start[index] + step * direction[index]) - Double(start[index] - step * direction[index])
        }
        let predicted = zip(gradient, moved).reduce(0) { $0 + Double($1.0) * $1.1 }
        let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let length = moved.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return abs(difference - predicted) / max(norm * length, 1e-12)
    }

    private var objective: Double {
        if y.count == 0 { return Double(loss) }
        return zip(y.values, dy.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}
