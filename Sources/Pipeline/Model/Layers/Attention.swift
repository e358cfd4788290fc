// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// y = attention(x) Wo^T + bo, with q, k and v = x W^T + b from one fused projection [3 dim, dim].
public struct SelfAttention: Layer {
    private let project: Linear
    private let core: AttentionCore
    private let output: Linear
    private let qkv: Kept
    private let mixed: Kept
    private let dqkv: KeptGradient
    private let dMixed: Scratch
    private let dim: Int

    /// - Parameters:
    ///   - dim: columns of x and y, a multiple of `heads`.
    ///   - heads: how many share the columns.
    ///   - isCausal: whether a token sees itself and those before it only, rather than its whole sequence.
    ///   - project: dim to 3 dim; its rows are the query's, the key's, the value's.
    ///   - output: dim to dim.
    ///   - dropout: of the probabilities.
    ///   - plan: the stage's, where memory is reserved.
    public init(
        dim: Int, heads: Int, isCausal: Bool, project: Linear, output: Linear, dropout: DropoutSite? = nil,
        plan: inout StagePlan
    ) {
        StagePlan.requireSizes("attention", [dim, heads])
        require(
            project.inputColumns == dim && project.outputColumns == 3 * dim && output.inputColumns == dim
                && output.outputColumns == dim, "attention of dim \(dim) whose linear maps have other columns")
        let tokens = plan.batch.tokens
        self.dim = dim
        self.project = project
        self.output = output
        core = AttentionCore(dim: dim, heads: heads, isCausal: isCausal, dropout: dropout, plan: &plan)
        qkv = plan.keep(Shape(tokens, 3 * dim))
        mixed = plan.keep(Shape(tokens, dim))
        dqkv = plan.keepGradient(Shape(tokens, 3 * dim))
        dMixed = plan.scratch(Shape(tokens, dim))
    }

    public var inputColumns: Int? { dim }
    public var outputColumns: Int? { dim }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        project.forward(x, into: frame[qkv], frame)
        let (q, k, v) = split(frame[qkv])
        core.forward(q: q, k: k, v: v, into: frame[mixed].matrix, frame)
        output.forward(frame[mixed], into: y, frame)
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        backwardInput(dy, into: dx, accumulating: false, frame)
    }

    func backwardInput(_ dy: Tensor, into dx: Tensor, accumulating: Bool, _ frame: Frame) {
        output.backwardInput(dy, into: frame[dMixed], accumulating: false, frame)
        let (q, k, v) = split(frame[qkv])
        let (dq, dk, dv) = split(frame[dqkv])
        core.backward(frame[dMixed].matrix, q: q, k: k, v: v, dq: dq, dk: dk, dv: dv, frame)
        project.backwardInput(frame[dqkv], into: dx, accumulating: accumulating, frame)
    }

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        output.backwardWeights(dy, input: frame[mixed], frame)
        project.backwardWeights(frame[dqkv], input: x, frame)
    }

    private func split(_ fused: Tensor) -> (Matrix, Matrix, Matrix) {
        let all = fused.matrix
        return (all.columns(0..<dim), all.columns(dim..<2 * dim), all.columns(2 * dim..<3 * dim))
    }
}

/// Attention of a query input to a memory: q from one tensor, k and v from another. No mask.
///
/// It has two inputs, so it is not a `Layer` by itself; `DecoderAttention` is, and holds one.
struct CrossAttention: Sendable {
    private let projectQuery: Linear
    private let projectMemory: Linear
    private let core: AttentionCore
    private let output: Linear
    private let q: Kept
    private let kv: Kept
    private let mixed: Kept
    private let dq: KeptGradient
    private let dkv: KeptGradient
    private let dMixed: Scratch
    private let dim: Int

    /// - Parameters:
    ///   - query: dim to dim.
    ///   - memory: dim to 2 dim; its rows are the key's, the value's.
    ///   - output: dim to dim.
    init(
        dim: Int, heads: Int, query: Linear, memory: Linear, output: Linear, dropout: DropoutSite,
        plan: inout StagePlan
    ) {
        let tokens = plan.batch.tokens
        self.dim = dim
        self.output = output
        projectQuery = query
        projectMemory = memory
        core = AttentionCore(dim: dim, heads: heads, isCausal: false, dropout: dropout, plan: &plan)
        q = plan.keep(Shape(tokens, dim))
        kv = plan.keep(Shape(tokens, 2 * dim))
        mixed = plan.keep(Shape(tokens, dim))
        dq = plan.keepGradient(Shape(tokens, dim))
        dkv = plan.keepGradient(Shape(tokens, 2 * dim))
        dMixed = plan.scratch(Shape(tokens, dim))
    }

    func forward(_ x: Tensor, memory: Tensor, into y: Tensor, _ frame: Frame) {
        projectQuery.forward(x, into: frame[q], frame)
        projectMemory.forward(memory, into: frame[kv], frame)
        core.forward(
            q: frame[q].matrix, k: keys(frame[kv]), v: values(frame[kv]), into: frame[mixed].matrix, frame)
        output.forward(frame[mixed], into: y, frame)
    }

    /// Overwrites dx and dMemory.
    func backwardInput(_ dy: Tensor, into dx: Tensor, dMemory: Tensor, _ frame: Frame) {
        output.backwardInput(dy, into: frame[dMixed], accumulating: false, frame)
        core.backward(
            frame[dMixed].matrix, q: frame[q].matrix, k: keys(frame[kv]), v: values(frame[kv]), dq: frame[dq].matrix,
            dk: keys(frame[dkv]), dv: values(frame[dkv]), frame)
        projectQuery.backwardInput(frame[dq], into: dx, accumulating: false, frame)
        projectMemory.backwardInput(frame[dkv], into: dMemory, accumulating: false, frame)
    }

    func backwardWeights(_ dy: Tensor, input x: Tensor, memory: Tensor, _ frame: Frame) {
        output.backwardWeights(dy, input: frame[mixed], frame)
        projectQuery.backwardWeights(frame[dq], input: x, frame)
        projectMemory.backwardWeights(frame[dkv], input: memory, frame)
    }

    private func keys(_ fused: Tensor) -> Matrix { fused.matrix.columns(0..<dim) }
    private func values(_ fused: Tensor) -> Matrix { fused.matrix.columns(dim..<2 * dim) }
}
