// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// Half a GPT block, pre-norm: y = x + dropout(inner(norm(x))), inner being causal attention or the feed-forward.
///
/// Names and structure are nanoGPT's; weights start normal with deviation 0.02, divided by sqrt(2 layers) where a
/// residual is added to (GPT-2), biases at zero.
public struct PreNormBlock<Inner: Layer>: Layer {
    private let norm: LayerNorm
    private let inner: Inner
    private let dropout: ResidualDropout
    private let normed: Kept
    private let dNormed: KeptGradient

    /// - Parameters:
    ///   - norm: the name of the layer norm, as in `norm.weight`.
    ///   - dim: columns of x and y.
    ///   - site: the name of the dropout's, unique in the model.
    ///   - plan: the stage's, where memory is reserved.
    ///   - inner: makes the inner layer, dim to dim.
    public init(
        _ norm: String, dim: Int, dropout site: String, plan: inout StagePlan, inner: (inout StagePlan) -> Inner
    ) {
        self.norm = LayerNorm(norm, columns: dim, plan: &plan)
        self.inner = inner(&plan)
        dropout = ResidualDropout(site, columns: dim, plan: &plan)
        require(
            (self.inner.inputColumns ?? dim) == dim && (self.inner.outputColumns ?? dim) == dim,
            "a block of dim \(dim) around a layer with other columns")
        normed = plan.keep(Shape(plan.batch.tokens, dim))
        dNormed = plan.keepGradient(Shape(plan.batch.tokens, dim))
    }

    public var inputColumns: Int? { norm.inputColumns }
    public var outputColumns: Int? { norm.outputColumns }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        norm.forward(x, into: frame[normed], frame)
        inner.forward(frame[normed], into: y, frame)
        dropout.forward(y, frame)
        frame.kernels.add(y, x, into: y)
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        inner.backwardInput(
            dropout.backward(dy, frame), input: frame[normed], into: frame[dNormed], frame)
        norm.backwardInput(frame[dNormed], input: x, into: dx, frame)
        frame.kernels.add(dx, dy, into: dx)
    }

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        inner.backwardWeights(dropout.gradient(dy, frame), input: frame[normed], frame)
        norm.backwardWeights(frame[dNormed], input: x, frame)
    }
}

extension PreNormBlock where Inner == SelfAttention {
    /// `name.ln_1` and `name.attn`.
    public static func attention(
        _ name: String, dim: Int, heads: Int, layers: Int, plan: inout StagePlan
    ) -> PreNormBlock {
        StagePlan.requireSizes("block \(name)", [dim, heads, layers])
        return PreNormBlock("\(name).ln_1", dim: dim, dropout: "\(name).attn.resid_dropout", plan: &plan) { plan in
            let project = Linear(gpt: "\(name).attn.c_attn", inputs: dim, outputs: 3 * dim, plan: &plan)
            let output = Linear(
                gpt: "\(name).attn.c_proj", inputs: dim, outputs: dim, residualLayers: layers, plan: &plan)
            return SelfAttention(
                dim: dim, heads: heads, isCausal: true, project: project, output: output,
                dropout: DropoutSite("\(name).attn.attn_dropout"), plan: &plan)
        }
    }
}

extension PreNormBlock where Inner == FeedForward {
    /// `name.ln_2` and `name.mlp`.
    public static func feedForward(
        _ name: String, dim: Int, hidden: Int, layers: Int, plan: inout StagePlan
    ) -> PreNormBlock {
        StagePlan.requireSizes("block \(name)", [dim, hidden, layers])
        return PreNormBlock("\(name).ln_2", dim: dim, dropout: "\(name).mlp.dropout", plan: &plan) { plan in
            let up = Linear(gpt: "\(name).mlp.c_fc", inputs: dim, outputs: hidden, plan: &plan)
            let down = Linear(
                gpt: "\(name).mlp.c_proj", inputs: hidden, outputs: dim, residualLayers: layers, plan: &plan)
            return FeedForward(.gelu, hidden: hidden, up: up, down: down, plan: &plan)
        }
    }
}

extension Linear {
    /// A linear map that starts as GPT-2's do.
    init(gpt name: String, inputs: Int, outputs: Int, residualLayers: Int? = nil, plan: inout StagePlan) {
        let deviation = residualLayers.map { 0.02 / Float(2 * $0).squareRoot() } ?? 0.02
        self.init(
            name, inputs: inputs, outputs: outputs, weight: .normal(deviation), bias: .constant(0), plan: &plan)
    }
}
