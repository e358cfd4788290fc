// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// The attention half of `nn.TransformerDecoderLayer(x, memory = x)`, post-norm:
///
///     a = norm1(x + dropout1(self_attn(x)))         no mask
///     y = norm2(a + dropout2(multihead_attn(a, memory = x)))
///
/// Both attentions are one unit, because both need x: a cut between them would have to send two tensors.
public struct DecoderAttention: Layer {
    private let selfAttention: SelfAttention
    private let crossAttention: CrossAttention
    private let norm1: LayerNorm
    private let norm2: LayerNorm
    private let dropout1: ResidualDropout
    private let dropout2: ResidualDropout
    private let sum1: Kept
    private let middle: Kept
    private let sum2: Kept
    private let dSum1: KeptGradient
    private let dMiddle: KeptGradient
    private let dSum2: KeptGradient

    /// - Parameters:
    ///   - name: the layer's, such as `layers.0`.
    ///   - dim: columns of x and y, a multiple of `heads`.
    ///   - heads: of each of the two attentions.
    ///   - plan: the stage's, where memory is reserved.
    public init(_ name: String, dim: Int, heads: Int, plan: inout StagePlan) {
        StagePlan.requireSizes("decoder attention \(name)", [dim, heads])
        let shape = Shape(plan.batch.tokens, dim)
        let (project, out) = Self.projections("\(name).self_attn", dim, outputs: [3 * dim], &plan)
        selfAttention = SelfAttention(
            dim: dim, heads: heads, isCausal: false, project: project[0], output: out,
            dropout: DropoutSite("\(name).self_attn.dropout"), plan: &plan)
        let (cross, crossOut) = Self.projections("\(name).multihead_attn", dim, outputs: [dim, 2 * dim], &plan)
        crossAttention = CrossAttention(
            dim: dim, heads: heads, query: cross[0], memory: cross[1], output: crossOut,
            dropout: DropoutSite("\(name).multihead_attn.dropout"), plan: &plan)
        norm1 = LayerNorm("\(name).norm1", columns: dim, plan: &plan)
        norm2 = LayerNorm("\(name).norm2", columns: dim, plan: &plan)
        dropout1 = ResidualDropout("\(name).dropout1", columns: dim, plan: &plan)
        dropout2 = ResidualDropout("\(name).dropout2", columns: dim, plan: &plan)
        sum1 = plan.keep(shape)
        middle = plan.keep(shape)
        sum2 = plan.keep(shape)
        dSum1 = plan.keepGradient(shape)
        dMiddle = plan.keepGradient(shape)
        dSum2 = plan.keepGradient(shape)
    }

    /// nn.MultiheadAttention's parameters with its starts: in_proj Xavier-uniform, biases zero.
    ///
    /// - Parameter outputs: how the rows of in_proj, the query's, the key's, the value's, are shared out among linear maps.
    private static func projections(
        _ name: String, _ dim: Int, outputs: [Int], _ plan: inout StagePlan
    ) -> (project: [Linear], output: Linear) {
        let xavier = (6 / Float(4 * dim)).squareRoot()
        let weights = plan.linearWeights(
            "\(name).in_proj_weight", outputs: outputs, inputs: dim, .uniform(xavier))
        let bias = plan.parameter("\(name).in_proj_bias", Shape(3 * dim), .constant(0))
        var row = 0
        let project = weights.map { weight in
            defer { row += weight.outputs }
            return Linear(weight: weight, bias: bias.rows(row..<row + weight.outputs), plan: &plan)
        }
        let output = Linear("\(name).out_proj", inputs: dim, outputs: dim, bias: .constant(0), plan: &plan)
        return (project, output)
    }

    public var inputColumns: Int? { norm1.inputColumns }
    public var outputColumns: Int? { norm2.outputColumns }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        selfAttention.forward(x, into: frame[sum1], frame)
        dropout1.forward(frame[sum1], frame)
        frame.kernels.add(frame[sum1], x, into: frame[sum1])
        norm1.forward(frame[sum1], into: frame[middle], frame)
        crossAttention.forward(frame[middle], memory: x, into: frame[sum2], frame)
        dropout2.forward(frame[sum2], frame)
        frame.kernels.add(frame[sum2], frame[middle], into: frame[sum2])
        norm2.forward(frame[sum2], into: y, frame)
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        norm2.backwardInput(dy, input: frame[sum2], into: frame[dSum2], frame)
        crossAttention.backwardInput(
            dropout2.backward(frame[dSum2], frame), into: frame[dMiddle], dMemory: dx, frame)
        frame.kernels.add(frame[dMiddle], frame[dSum2], into: frame[dMiddle])
        norm1.backwardInput(frame[dMiddle], input: frame[sum1], into: frame[dSum1], frame)
        selfAttention.backwardInput(
            dropout1.backward(frame[dSum1], frame), into: dx, accumulating: true, frame)
        frame.kernels.add(dx, frame[dSum1], into: dx)
    }

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        norm2.backwardWeights(dy, input: frame[sum2], frame)
        crossAttention.backwardWeights(
            dropout2.gradient(frame[dSum2], frame), input: frame[middle], memory: x, frame)
        norm1.backwardWeights(frame[dMiddle], input: frame[sum1], frame)
        selfAttention.backwardWeights(dropout1.gradient(frame[dSum1], frame), input: x, frame)
    }
}

/// The feed-forward half of `nn.TransformerDecoderLayer`, post-norm: y = norm3(x + dropout3(linear2(dropout(relu(linear1(x)))))).
public struct DecoderFeedForward: Layer {
    private let feedForward: FeedForward
    private let norm: LayerNorm
    private let dropout: ResidualDropout
    private let sum: Kept
    private let dSum: KeptGradient

    /// - Parameters:
    ///   - name: the layer's, such as `layers.0`.
    ///   - dim: columns of x and y.
    ///   - hidden: columns between the two linear maps.
    ///   - plan: the stage's, where memory is reserved.
    public init(_ name: String, dim: Int, hidden: Int, plan: inout StagePlan) {
        let up = Linear("\(name).linear1", inputs: dim, outputs: hidden, plan: &plan)
        let down = Linear("\(name).linear2", inputs: hidden, outputs: dim, plan: &plan)
        feedForward = FeedForward(
            .relu, hidden: hidden, up: up, down: down, dropout: DropoutSite("\(name).dropout"), plan: &plan)
        dropout = ResidualDropout("\(name).dropout3", columns: dim, plan: &plan)
        norm = LayerNorm("\(name).norm3", columns: dim, plan: &plan)
        sum = plan.keep(Shape(plan.batch.tokens, dim))
        dSum = plan.keepGradient(Shape(plan.batch.tokens, dim))
    }

    public var inputColumns: Int? { norm.inputColumns }
    public var outputColumns: Int? { norm.outputColumns }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        feedForward.forward(x, into: frame[sum], frame)
        dropout.forward(frame[sum], frame)
        frame.kernels.add(frame[sum], x, into: frame[sum])
        norm.forward(frame[sum], into: y, frame)
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        norm.backwardInput(dy, input: frame[sum], into: frame[dSum], frame)
        feedForward.backwardInput(dropout.backward(frame[dSum], frame), into: dx, frame)
        frame.kernels.add(dx, frame[dSum], into: dx)
    }

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        norm.backwardWeights(dy, input: frame[sum], frame)
        feedForward.backwardWeights(dropout.gradient(frame[dSum], frame), input: x, frame)
    }
}
