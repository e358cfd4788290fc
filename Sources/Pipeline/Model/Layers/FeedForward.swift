// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// What stands between the two linear maps of a feed-forward layer.
public enum Activation: Sendable {
    case relu
    /// GELU in its tanh form (1606.08415).
    case gelu
}

/// y = activation(x W1^T + b1) W2^T + b2, with `hidden` columns in between.
public struct FeedForward: Layer {
    private let activation: Activation
    private let up: Linear
    private let down: Linear
    /// The activation's input; ReLU's backward does not need it, so there it shares its memory with `active`.
    private let inactive: Kept
    private let active: Kept
    private let dInactive: KeptGradient
    /// Between the activation and the second map.
    private let dropout: DropoutSite?

    /// - Parameters:
    ///   - activation: what stands between the two maps.
    ///   - hidden: columns between them.
    ///   - up: columns to hidden.
    ///   - down: hidden to columns.
    ///   - dropout: between the activation and `down`.
    ///   - plan: the stage's, where memory is reserved.
    public init(
        _ activation: Activation, hidden: Int, up: Linear, down: Linear, dropout: DropoutSite? = nil,
        plan: inout StagePlan
    ) {
        StagePlan.requireSizes("feed-forward", [hidden])
        require(
            up.outputColumns == hidden && down.inputColumns == hidden,
            "a feed-forward of \(hidden) hidden columns whose linear maps have others")
        let shape = Shape(plan.batch.tokens, hidden)
        self.activation = activation
        self.up = up
        self.down = down
        self.dropout = dropout
        active = plan.keep(shape)
        inactive = activation == .relu ? active : plan.keep(shape)
        dInactive = plan.keepGradient(shape)
    }

    public var inputColumns: Int? { up.inputColumns }
    public var outputColumns: Int? { down.outputColumns }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        switch activation {
        case .relu: up.forward(x, into: frame[active], ending: .rectified, frame)
        case .gelu:
            up.forward(x, into: frame[inactive], frame)
            frame.kernels.gelu(frame[inactive], into: frame[active])
        }
        if let dropout, frame.drops { frame.drop(dropout, frame[active], into: frame[active]) }
        down.forward(frame[active], into: y, frame)
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        backwardInput(dy, into: dx, frame)
    }

    func backwardInput(_ dy: Tensor, into dx: Tensor, _ frame: Frame) {
        let gradient = frame[dInactive]
        switch activation {
        case .relu:
            // A dropped element is 0 and closes the gate by itself; the others' scale follows.
            down.backwardInput(dy, into: gradient, ending: .gated(frame[active].matrix), accumulating: false, frame)
            if let dropout, frame.drops { frame.drop(dropout, gradient, into: gradient) }
        case .gelu:
            down.backwardInput(dy, into: gradient, accumulating: false, frame)
            if let dropout, frame.drops { frame.drop(dropout, gradient, into: gradient) }
            frame.kernels.geluBackward(gradient, input: frame[inactive], into: gradient)
        }
        up.backwardInput(gradient, into: dx, accumulating: false, frame)
    }

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        down.backwardWeights(dy, input: frame[active], frame)
        up.backwardWeights(frame[dInactive], input: x, frame)
    }
}
