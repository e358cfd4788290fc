import SharedTensor

/// The part of attention without parameters: out = dropout(softmax(q k^T / sqrt(d))) v for each sequence and head
/// (1706.03762).
///
/// q, k, v and out are [tokens, dim]; head h has columns h * d ..< (h + 1) * d, d = dim / heads. The probabilities
/// [sequences, heads, S, S] are kept for the backward.
struct AttentionCore: Sendable {
    private let heads: Int
    private let headColumns: Int
    private let isCausal: Bool
    private let batch: BatchShape
    private let dropout: DropoutSite?
    private let probabilities: Kept
    /// The probabilities after dropout.
    private let dropped: Scratch?
    private let dScores: Scratch

    init(dim: Int, heads: Int, isCausal: Bool, dropout: DropoutSite?, plan: inout StagePlan) {
        self.heads = heads
        self.isCausal = isCausal
        headColumns = dim / heads
        batch = plan.batch
        let length = batch.sequenceLength
        probabilities = plan.keep(Shape(batch.sequences, heads, length, length))
        self.dropout = dropout
        dropped = dropout != nil && plan.dropsElements ? plan.scratch(Shape(length, length)) : nil
        dScores = plan.scratch(Shape(length, length))
        // Two products, S x S by d for each token's row; a causal mask is not taken off.
        plan.countProduct(rows: batch.tokens, inputs: dim, outputs: 2 * length)
    }

    private var scale: Float { 1 / Float(headColumns).squareRoot() }

    func forward(q: Matrix, k: Matrix, v: Matrix, into out: Matrix, _ frame: Frame) {
        forEachHead { rows, columns, index in
            let p = probabilities(index, frame).matrix
            frame.kernels.multiply(
                q.rows(rows).columns(columns), k.rows(rows).columns(columns).transposed, into: p)
            frame.kernels.softmax(p, scale: scale, causal: isCausal)
            let kept = dropped(index, frame).matrix
            frame.kernels.multiply(kept, v.rows(rows).columns(columns), into: out.rows(rows).columns(columns))
        }
    }

    /// Overwrites dq, dk and dv.
    func backward(
        _ dOut: Matrix, q: Matrix, k: Matrix, v: Matrix, dq: Matrix, dk: Matrix, dv: Matrix, _ frame: Frame
    ) {
        let ds = frame[dScores].matrix
        forEachHead { rows, columns, index in
            let p = probabilities(index, frame).matrix
            let dHead = dOut.rows(rows).columns(columns)
            frame.kernels.multiply(dropped(index, frame).matrix.transposed, dHead, into: dv.rows(rows).columns(columns))
            frame.kernels.multiply(dHead, v.rows(rows).columns(columns).transposed, into: ds)
            drop(frame[dScores], index, into: frame[dScores], frame)
            frame.kernels.softmaxBackward(p, ds, scale: scale)
            frame.kernels.multiply(ds, k.rows(rows).columns(columns), into: dq.rows(rows).columns(columns))
            frame.kernels.multiply(
                ds.transposed, q.rows(rows).columns(columns), into: dk.rows(rows).columns(columns))
        }
    }

    /// Of one sequence and head.
    private func probabilities(_ index: Int, _ frame: Frame) -> Tensor {
        frame[probabilities].rows(index * batch.sequenceLength..<(index + 1) * batch.sequenceLength)
    }

    /// Its probabilities after dropout.
    private func dropped(_ index: Int, _ frame: Frame) -> Tensor {
        guard let dropped, frame.drops else { return probabilities(index, frame) }
        drop(probabilities(index, frame), index, into: frame[dropped], frame)
        return frame[dropped]
    }

    private func drop(_ x: Tensor, _ index: Int, into y: Tensor, _ frame: Frame) {
        guard let dropout, frame.drops else { return }
        let elements = batch.sequenceLength * batch.sequenceLength
        frame.drop(dropout, x, into: y, firstElement: index * elements)
    }

    @inline(__always)
    private func forEachHead(_ body: (_ rows: Range<Int>, _ columns: Range<Int>, _ index: Int) -> Void) {
        let length = batch.sequenceLength
        for sequence in 0..<batch.sequences {
            for head in 0..<heads {
                body(
                    sequence * length..<(sequence + 1) * length, head * headColumns..<(head + 1) * headColumns,
                    sequence * heads + head)
            }
        }
    }
}

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
    ///   - project: dim to 3 dim; its rows are the query's, the key's, the value's.
    ///   - output: dim to dim.
    ///   - dropout: of the probabilities.
    public init(
        dim: Int, heads: Int, isCausal: Bool, project: Linear, output: Linear, dropout: DropoutSite? = nil,
        plan: inout StagePlan
    ) {
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

    /// - Parameter weight: [3 dim, dim], the query's rows first, as nn.MultiheadAttention's in_proj_weight.
    init(
        dim: Int, heads: Int, weight: Parameter, bias: Parameter, output: Linear, dropout: DropoutSite,
        plan: inout StagePlan
    ) {
        let tokens = plan.batch.tokens
        self.dim = dim
        self.output = output
        projectQuery = Linear(weight: weight.rows(0..<dim), bias: bias.rows(0..<dim), plan: &plan)
        projectMemory = Linear(weight: weight.rows(dim..<3 * dim), bias: bias.rows(dim..<3 * dim), plan: &plan)
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
