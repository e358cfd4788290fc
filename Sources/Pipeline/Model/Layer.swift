// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// One step of the network, from an activation to an activation: what a user writes to add a layer.
///
/// A layer is made once for each stage that holds it; its `init` takes the stage's plan and reserves there what it needs
/// (parameters, what the forward keeps for the backward, scratch). A layer itself holds only where things lie and is
/// immutable; the frame holds the memory of the microbatch at hand.
///
/// Shapes: x and dx are `[tokens, input columns]`, y and dy `[tokens, output columns]`, tokens = sequences x sequence
/// length, row b * S + s being token s of sequence b. All calls of one layer come from its rank's thread, for each
/// microbatch in the order forward, backwardInput, backwardWeights, with other microbatches in between.
/// x and dy are only to be read, and hold the same values in all three calls; the output y is not available later (the
/// next stage owns it). None of the three may allocate.
public protocol Layer: Sendable {
    /// The columns of x: nil, unless a layer says so, for one that takes any. 0 columns are no tensor: what the first
    /// layer gets. Planning a run compares them with those that the unit before gives.
    var inputColumns: Int? { get }
    /// The columns of y: nil, unless a layer says so, for one that gives as many as its unit says. 0 columns are no
    /// tensor: what the loss gives. Planning a run compares them with the unit's.
    var outputColumns: Int? { get }

    /// y = f(x). Overwrites y.
    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame)

    /// dx = dy * df/dx. Overwrites dx. May keep what `backwardWeights` needs in the gradient stash.
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame)

    /// Adds dy * df/dw to the gradients of the layer's own parameters.
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame)
}

extension Layer {
    /// Nil: any number.
    public var inputColumns: Int? { nil }
    /// Nil: as many as its unit says.
    public var outputColumns: Int? { nil }
}

/// How many tokens a microbatch has.
public struct BatchShape: Equatable, Sendable {
    /// Sequences in a microbatch.
    public let sequences: Int
    /// Tokens in a sequence.
    public let sequenceLength: Int

    /// Sizes are at least 0, and their product fits an Int; others trap.
    public init(sequences: Int, sequenceLength: Int) {
        require(
            sequences >= 0 && sequenceLength >= 0
                && !sequences.multipliedReportingOverflow(by: sequenceLength).overflow,
            "a microbatch of \(sequences) sequences of \(sequenceLength) tokens")
        self.sequences = sequences
        self.sequenceLength = sequenceLength
    }

    /// Of the whole microbatch: the rows of an activation.
    public var tokens: Int { sequences * sequenceLength }
}

/// Memory that a layer reserved: an offset and a shape, told apart by what memory it lies in, and in whose plan.
public struct Reserved<Memory>: Sendable {
    let plan: StagePlan.ID
    let region: Region
    /// Of the fp32 elements in it.
    public let shape: Shape

    /// Rows `range` of it (elements of a vector), as memory of its own.
    public func rows(_ range: Range<Int>) -> Reserved {
        let isVector = shape.rank == 1
        require(
            range.lowerBound >= 0 && range.upperBound <= (isVector ? shape.count : shape.rows),
            "rows \(range) of memory of shape \(shape)")
        let width = isVector ? 1 : shape.columns
        return Reserved(
            plan: plan, region: region.part(offset: range.lowerBound * width * 4, bytes: range.count * width * 4),
            shape: isVector ? Shape(range.count) : Shape(range.count, width))
    }
}

/// A stage's weights; the gradients lie alike, in memory of their own.
public enum InWeights: Sendable {}
/// One for each microbatch in flight, from its forward to its backwardWeights.
public enum InStash: Sendable {}
/// One for each microbatch in its backward, from backwardInput to backwardWeights.
public enum InGradientStash: Sendable {}
/// One for all layers of a stage, one after the other.
public enum InScratch: Sendable {}
/// A stage's weights again, packed for the backwards of a step.
public enum InPacked: Sendable {}

/// Weights, and their gradient of the same shape.
public typealias Parameter = Reserved<InWeights>
/// Kept for each microbatch from its forward to its backwardWeights.
public typealias Kept = Reserved<InStash>
/// Kept for each microbatch from its backwardInput to its backwardWeights.
public typealias KeptGradient = Reserved<InGradientStash>
/// Free to use within one call; the next call may find anything there.
public typealias Scratch = Reserved<InScratch>

/// The memory that a stage works in for one microbatch.
public struct Frame {
    /// Whose reservations it has memory for; another plan's trap.
    let plan: StagePlan.ID
    let weights: Arena
    let gradients: Arena
    let stash: Arena
    let gradientStash: Arena
    let scratch: Arena
    let packed: Arena
    /// Whether a forward packs the weights that it multiplies by, for all of the step's backwards.
    let packsWeights: Bool
    /// The rank's, or in a team's work the member's own.
    public private(set) var kernels: Kernels
    /// How many tokens the microbatch has.
    public let batch: BatchShape
    let dropout: DropoutState
    /// The microbatch's inputs; empty but on a rank that runs the first stage.
    public let tokens: Tokens
    /// The microbatch's targets; empty but on a rank that runs the last stage.
    public let targets: Tokens
    /// What a loss multiplies its gradient by, so that the step's gradient is that of the mean over microbatches: 1/M.
    public let gradientScale: Float
    /// One element: the microbatch's mean loss, written by the last layer.
    public let loss: Tensor

    /// The weights; `gradient(of:)` is their gradient.
    public subscript(parameter: Parameter) -> Tensor { tensor(parameter, weights) }
    /// What this microbatch's forward keeps.
    public subscript(kept: Kept) -> Tensor { tensor(kept, stash) }
    /// What this microbatch's backwardInput keeps.
    public subscript(kept: KeptGradient) -> Tensor { tensor(kept, gradientStash) }
    /// Room for this call, which may hold anything at first.
    public subscript(reserved: Scratch) -> Tensor { tensor(reserved, scratch) }
    subscript(reserved: Reserved<InPacked>) -> Tensor { tensor(reserved, packed) }

    @inline(__always)
    private func tensor<Memory>(_ reserved: Reserved<Memory>, _ arena: Arena) -> Tensor {
        if reserved.plan != plan { trap("memory of shape \(reserved.shape) that was reserved in another stage's plan") }
        return arena.tensor(reserved.region, reserved.shape)
    }

    /// The same memory with a team member's own kernels.
    func with(_ kernels: Kernels) -> Frame {
        var frame = self
        frame.kernels = kernels
        return frame
    }

    /// The gradient that adds up over the step's microbatches.
    public func gradient(of parameter: Parameter) -> Tensor { tensor(parameter, gradients) }
}
