// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// y [tokens, outputs] = x [tokens, inputs] w^T + b, with w [outputs, inputs] as PyTorch stores it.
public struct Linear: Layer {
    let weight: LinearWeight
    let bias: Parameter?

    /// Reserves `name.weight` and, unless told not to, `name.bias`.
    ///
    /// Without other wishes both start as PyTorch's nn.Linear does: uniform in ±1/sqrt(inputs).
    public init(
        _ name: String, inputs: Int, outputs: Int, hasBias: Bool = true, weight: Initializer? = nil,
        bias: Initializer? = nil, plan: inout StagePlan
    ) {
        StagePlan.requireSizes("linear map \(name)", [inputs, outputs])
        let standard = Initializer.uniform(1 / Float(inputs).squareRoot())
        let weights = plan.linearWeights(
            "\(name).weight", outputs: [outputs], inputs: inputs, weight ?? standard)
        let bias = hasBias ? plan.parameter("\(name).bias", Shape(outputs), bias ?? standard) : nil
        self.init(weight: weights[0], bias: bias, plan: &plan)
    }

    /// A linear map by parameters that are reserved already, or by rows of them.
    public init(weight: LinearWeight, bias: Parameter?, plan: inout StagePlan) {
        require(
            bias == nil || bias!.shape.count == weight.outputs,
            "a linear map to \(weight.outputs) columns with a bias of shape \(bias!.shape)")
        self.weight = weight
        self.bias = bias
        plan.countProduct(rows: plan.batch.tokens, inputs: weight.inputs, outputs: weight.outputs)
    }

    public var inputColumns: Int? { weight.inputs }
    public var outputColumns: Int? { weight.outputs }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        forward(x, into: y, ending: .plain, frame)
    }

    /// y = ending(x w^T + b).
    func forward(_ x: Tensor, into y: Tensor, ending: ProductEnding, _ frame: Frame) {
        weight.multiplyTransposed(x.matrix, into: y.matrix, bias: bias.map { frame[$0] }, ending: ending, frame)
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        backwardInput(dy, into: dx, accumulating: false, frame)
    }

    /// dx = ending(dy w), or of dx + dy w.
    func backwardInput(
        _ dy: Tensor, into dx: Tensor, ending: ProductEnding = .plain, accumulating: Bool, _ frame: Frame
    ) {
        weight.multiply(dy.matrix, into: dx.matrix, ending: ending, accumulating: accumulating, frame)
    }

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        weight.addGradient(dy.matrix, x.matrix, bias: bias.map(frame.gradient), frame)
    }
}
