// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// The part of attention without parameters: out = dropout(softmax(q k^T / sqrt(d))) v for each sequence and head
/// (1706.03762).
///
/// q, k, v and out are [tokens, dim]; head h has columns h * d ..< (h + 1) * d, d = dim / heads. Queries go through in
/// blocks of rows, so that scores stay in the cache; under a causal mask a block takes only the keys up to its last row.
/// Of the probabilities, two numbers a row are kept, from which the backward makes them again (as FlashAttention does,
/// 2205.14135). The members of the rank's team share the heads.
struct AttentionCore: Sendable {
    private let headCount: Int
    private let headColumns: Int
    private let isCausal: Bool
    private let batch: BatchShape
    private let dropout: DropoutSite?
    /// [sequences x heads x S, 2]
    private let normalizers: Kept
    /// [block, S] for each member: scores, which become probabilities; the same after dropout; their gradient.
    private let scores: Scratch
    private let dropped: Scratch?
    private let dScores: Scratch

    private static let blockRows = 64

    init(dim: Int, heads: Int, isCausal: Bool, dropout: DropoutSite?, plan: inout StagePlan) {
        require(heads >= 1 && dim % heads == 0, "\(heads) heads do not divide dim \(dim)")
        headCount = heads
        self.isCausal = isCausal
        self.dropout = dropout
        headColumns = dim / heads
        batch = plan.batch
        let length = batch.sequenceLength
        let shape = Shape(plan.members * min(Self.blockRows, length), length)
        normalizers = plan.keep(Shape(batch.sequences * heads * length, 2))
        scores = plan.scratch(shape)
        dropped = dropout != nil && plan.dropsElements ? plan.scratch(shape) : nil
        dScores = plan.scratch(shape)
        // Two products, S x S by d for each token's row; a causal mask is not taken off.
        plan.countProduct(rows: batch.tokens, inputs: dim, outputs: 2 * length)
    }

    private var scale: Float { 1 / Float(headColumns).squareRoot() }

    func forward(q: Matrix, k: Matrix, v: Matrix, into out: Matrix, _ frame: Frame) {
        frame.kernels.share(ForwardHeads(core: self, q: q, k: k, v: v, out: out, frame: frame))
    }

    /// Overwrites dq, dk and dv.
    func backward(
        _ dOut: Matrix, q: Matrix, k: Matrix, v: Matrix, dq: Matrix, dk: Matrix, dv: Matrix, _ frame: Frame
    ) {
        frame.kernels.share(
            BackwardHeads(core: self, dOut: dOut, q: q, k: k, v: v, dq: dq, dk: dk, dv: dv, frame: frame))
    }

    fileprivate var sequencesAndHeads: Int { batch.sequences * headCount }

    // MARK: One head

    /// One head of one sequence, numbered sequence by sequence.
    fileprivate func forwardHead(_ index: Int, q: Matrix, k: Matrix, v: Matrix, out: Matrix, _ frame: Frame) {
        let (q, k, v, out) = (head(index, q), head(index, k), head(index, v), head(index, out))
        forEachBlock { block in
            let p = scratch(scores, block, frame).matrix
            frame.kernels.multiply(q.rows(block.rows), k.rows(block.keys).transposed, into: p)
            frame.kernels.softmax(
                p, scale: scale, diagonal: block.diagonal, normalizers: normalizers(index, block, frame))
            let kept = dropped(index, block, frame).matrix
            frame.kernels.multiply(kept, v.rows(block.keys), into: out.rows(block.rows))
        }
    }

    fileprivate func backwardHead(
        _ index: Int, dOut: Matrix, q: Matrix, k: Matrix, v: Matrix, dq: Matrix, dk: Matrix, dv: Matrix, _ frame: Frame
    ) {
        let (q, k, v, dOut) = (head(index, q), head(index, k), head(index, v), head(index, dOut))
        let (dq, dk, dv) = (head(index, dq), head(index, dk), head(index, dv))
        let kernels = frame.kernels
        forEachBlock { block in
            let p = scratch(scores, block, frame).matrix
            let (qRows, dRows) = (q.rows(block.rows), dOut.rows(block.rows))
            kernels.multiply(qRows, k.rows(block.keys).transposed, into: p)
            kernels.softmaxAgain(
                p, scale: scale, diagonal: block.diagonal, normalizers: normalizers(index, block, frame))
            add(dropped(index, block, frame).matrix, dRows, to: dv, block, kernels)
            let ds = scratch(dScores, block, frame)
            kernels.multiply(dRows, v.rows(block.keys).transposed, into: ds.matrix)
            drop(ds, into: ds, index, block, frame)
            kernels.softmaxBackward(p, ds.matrix, scale: scale)
            kernels.multiply(ds.matrix, k.rows(block.keys), into: dq.rows(block.rows))
            add(ds.matrix, qRows, to: dk, block, kernels)
        }
    }

    /// to += a^T b, over the block's keys; those that no block before had are overwritten.
    private func add(_ a: Matrix, _ b: Matrix, to out: Matrix, _ block: Block, _ kernels: Kernels) {
        let known = block.knownKeys
        if known > 0 {
            kernels.multiply(a.columns(0..<known).transposed, b, into: out.rows(0..<known), accumulating: true)
        }
        if known < block.keys.count {
            let new = known..<block.keys.count
            kernels.multiply(a.columns(new).transposed, b, into: out.rows(new))
        }
    }

    // MARK: Blocks

    /// Some rows of queries, and the keys that any of them sees.
    private struct Block {
        let rows: Range<Int>
        let keys: Range<Int>
        /// Keys that blocks before have seen.
        let knownKeys: Int
        /// The last key that the first row sees; nil without a mask.
        let diagonal: Int?
    }

    @inline(__always)
    private func forEachBlock(_ body: (Block) -> Void) {
        let length = batch.sequenceLength
        var first = 0
        while first < length {
            let end = min(first + Self.blockRows, length)
            body(
                Block(
                    rows: first..<end, keys: 0..<(isCausal ? end : length),
                    knownKeys: isCausal ? first : first > 0 ? length : 0, diagonal: isCausal ? first : nil))
            first = end
        }
    }

    private func head(_ index: Int, _ matrix: Matrix) -> Matrix {
        let (sequence, head) = (index / headCount, index % headCount)
        let length = batch.sequenceLength
        return matrix.rows(sequence * length..<(sequence + 1) * length)
            .columns(head * headColumns..<(head + 1) * headColumns)
    }

    /// The member's own [rows, keys].
    private func scratch(_ reserved: Scratch, _ block: Block, _ frame: Frame) -> Tensor {
        let own = frame.kernels.member * min(Self.blockRows, batch.sequenceLength)
        let room = frame[reserved].rows(own..<own + block.rows.count)
        return room.elements(0..<block.rows.count * block.keys.count)
            .reshaped(Shape(block.rows.count, block.keys.count))
    }

    private func normalizers(_ index: Int, _ block: Block, _ frame: Frame) -> Tensor {
        let first = index * batch.sequenceLength
        return frame[normalizers].rows(first + block.rows.lowerBound..<first + block.rows.upperBound)
    }

    // MARK: Dropout

    /// The block's probabilities after dropout.
    private func dropped(_ index: Int, _ block: Block, _ frame: Frame) -> Tensor {
        let p = scratch(scores, block, frame)
        guard let dropped, frame.drops else { return p }
        let kept = scratch(dropped, block, frame)
        drop(p, into: kept, index, block, frame)
        return kept
    }

    /// Elements are numbered in [sequences, heads, S, S].
    private func drop(_ x: Tensor, into y: Tensor, _ index: Int, _ block: Block, _ frame: Frame) {
        guard let dropout, frame.drops else { return }
        let length = batch.sequenceLength
        for (row, query) in block.rows.enumerated() {
            frame.drop(
                dropout, x.rows(row..<row + 1), into: y.rows(row..<row + 1),
                firstElement: (index * length + query) * length)
        }
    }
}

/// Attention's heads as a team shares them.
private protocol HeadsWork: SharedWork {
    var core: AttentionCore { get }
    var frame: Frame { get }
    /// One head of one sequence, in a member's own frame.
    func run(head index: Int, _ frame: Frame)
}

extension HeadsWork {
    var kernels: Kernels { frame.kernels }
    var count: Int { core.sequencesAndHeads }
    var grain: Int { 1 }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        let own = frame.with(kernels)
        for index in part { run(head: index, own) }
    }
}

private struct ForwardHeads: HeadsWork {
    let core: AttentionCore
    let q, k, v, out: Matrix
    let frame: Frame

    func run(head index: Int, _ frame: Frame) { core.forwardHead(index, q: q, k: k, v: v, out: out, frame) }
}

private struct BackwardHeads: HeadsWork {
    let core: AttentionCore
    let dOut, q, k, v, dq, dk, dv: Matrix
    let frame: Frame

    func run(head index: Int, _ frame: Frame) {
        core.backwardHead(index, dOut: dOut, q: q, k: k, v: v, dq: dq, dk: dk, dv: dv, frame)
    }
}
