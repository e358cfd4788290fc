// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// y = (x - mean) / sqrt(variance + 1e-5) * weight + bias, over the columns of each token (1607.06450).
public struct LayerNorm: Layer {
    static let epsilon: Float = 1e-5

    let weight: Parameter
    let bias: Parameter
    private let mean: Kept
    private let rstd: Kept

    /// Reserves `name.weight` (ones) and `name.bias` (zeros).
    public init(_ name: String, columns: Int, plan: inout StagePlan) {
        StagePlan.requireSizes("layer norm \(name)", [columns])
        weight = plan.parameter("\(name).weight", Shape(columns), .constant(1))
        bias = plan.parameter("\(name).bias", Shape(columns), .constant(0))
        mean = plan.keep(Shape(plan.batch.tokens))
        rstd = plan.keep(Shape(plan.batch.tokens))
    }

    public var inputColumns: Int? { weight.shape.count }
    public var outputColumns: Int? { weight.shape.count }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        frame.kernels.layerNorm(
            x, gamma: frame[weight], beta: frame[bias], epsilon: Self.epsilon, into: y, mean: frame[mean],
            rstd: frame[rstd])
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        frame.kernels.layerNormBackwardInput(
            dy, input: x, gamma: frame[weight], mean: frame[mean], rstd: frame[rstd], into: dx)
    }

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        frame.kernels.layerNormBackwardWeights(
            dy, input: x, mean: frame[mean], rstd: frame[rstd], dgamma: frame.gradient(of: weight),
            dbeta: frame.gradient(of: bias))
    }
}
