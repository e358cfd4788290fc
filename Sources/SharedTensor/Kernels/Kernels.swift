import CKernels
import Threads

/// What a product does with a finished sum before it is written, which saves another pass over the result.
public struct ProductEnding {
    fileprivate let raw: ppt_ending
    fileprivate let gate: Matrix?

    public static var plain: ProductEnding { ProductEnding(raw: PPT_PLAIN, gate: nil) }
    /// max(sum, 0).
    public static var rectified: ProductEnding { ProductEnding(raw: PPT_RECTIFIED, gate: nil) }
    /// The sum where the gate, as large as the result, is positive; else 0. There is no bias then.
    public static func gated(_ gate: Matrix) -> ProductEnding { ProductEnding(raw: PPT_GATED, gate: gate) }
}

/// The compute kernels of one rank: the table of its SIMD level, a packing buffer for each of its threads, and its team.
///
/// Shapes are checked here, once a call; the C kernels trust them. None of these allocates. Only the team's own thread
/// may call them, because of the packing buffers; the team's members share what is large (`SharedWork.swift`), never
/// along a sum, so that their number changes no bit. What each kernel computes, and what it promises about bits, is in
/// `CKernels.h`.
@safe
public struct Kernels {
    // Sound: a table is a constant of the program; the workspace outlives the rank's kernels (the maker's promise).
    private let table: UnsafePointer<ppt_kernels>
    private let workspace: UnsafeMutablePointer<Float>
    public let level: SIMDLevel
    /// Computes the matrix products instead of the table, when there is one. It does so on the calling thread alone.
    private let blas: BLASLibrary?
    private let team: Dispatcher
    /// The member whose kernels these are; 0 for the team's own.
    public let member: Int

    /// Floats that `workspace` must hold.
    public static func workspaceShape(members: Int = 1) -> Shape { Shape(members, Int(PPT_GEMM_WORKSPACE_FLOATS)) }

    /// The kernels of a level that `isSupported`.
    public init(level: SIMDLevel, blas: BLASLibrary? = nil, workspace: Tensor, team: Dispatcher = .alone) {
        require(
            workspace.count >= Self.workspaceShape(members: team.members).count,
            "a packing buffer of \(workspace.count) floats is too small for \(team.members) threads")
        guard let table = unsafe ppt_kernels_at(level.raw) else {
            trap("this CPU cannot run \(level.rawValue) kernels")
        }
        unsafe self.init(table: table, workspace: workspace.base, level: level, blas: blas, team: team, member: 0)
    }

    private init(
        table: UnsafePointer<ppt_kernels>, workspace: UnsafeMutablePointer<Float>, level: SIMDLevel,
        blas: BLASLibrary?, team: Dispatcher, member: Int
    ) {
        unsafe self.table = table
        unsafe self.workspace = workspace
        self.level = level
        self.blas = blas
        self.team = team
        self.member = member
    }

    // MARK: The team

    /// How many threads share what is large.
    public var members: Int { team.members }

    /// The kernels for one member of the team, on its own thread, while the team does work that it shares.
    public func ofMember(_ member: Int) -> Kernels {
        if member < 0 || member >= members { trap("member \(member) of a team of \(members)") }
        let own = unsafe workspace + member * Int(PPT_GEMM_WORKSPACE_FLOATS)
        return unsafe Kernels(
            table: table, workspace: own, level: level, blas: isTeam ? nil : blas, team: .alone, member: member)
    }

    /// Has all members do their part of the work.
    @inline(__always)
    public func share<Work: SharedWork>(_ work: Work) { team.run(work) }

    private var isTeam: Bool { members > 1 }

    /// Does multiplications and additions in registers, as fast as the core can. Returns how many, and a value that
    /// depends on all of them.
    public func peakWork(steps: Int) -> (operations: Double, result: Float) {
        require(steps >= 0, "\(steps) steps of work")
        let result = unsafe table.pointee.peak_work(steps, 0.5)
        return unsafe (Double(steps) * Double(table.pointee.peak_flops_a_step), result)
    }

    // MARK: Matrix products

    /// c [m, n] = a b + bias[n], or += when `accumulating`; a is [m, k] and b is [k, n], either one transposed or not.
    /// `c` overlaps neither of them.
    public func multiply(
        _ a: Matrix, _ b: Matrix, into c: Matrix, bias: Tensor? = nil, ending: ProductEnding = .plain,
        accumulating: Bool = false
    ) {
        checkProduct(a, rows: b.rows, columns: b.columns, into: c, bias, ending)
        if let blas {
            if let bias { start(c, with: bias, accumulating: accumulating) }
            blas.multiply(a, b, into: c, beta: accumulating || bias != nil ? 1 : 0)
            return finish(c, ending)
        }
        var call = unsafe product(a, into: c, bias, ending, accumulating)
        unsafe setFactor(b, of: &call)
        unsafe multiply(&call)
    }

    private func setFactor(_ b: Matrix, of call: inout ppt_gemm) {
        unsafe (call.b, call.ldb, call.transpose_b) = (UnsafePointer(b.base), b.stride, b.isTransposed ? 1 : 0)
    }

    private func multiply(_ call: inout ppt_gemm) {
        unsafe isTeam ? team.run(SharedProduct(table: table, call: call)) : table.pointee.gemm(&call)
    }

    /// - Parameters:
    ///   - rows: of the right-hand factor, as `columns`.
    private func checkProduct(
        _ a: Matrix, rows: Int, columns: Int, into c: Matrix, _ bias: Tensor?, _ ending: ProductEnding
    ) {
        if a.columns != rows || c.columns != columns || c.rows != a.rows {
            trap(
                "factors that do not fit: [\(a.rows), \(a.columns)] x [\(rows), \(columns)] into "
                    + "[\(c.rows), \(c.columns)]")
        }
        require(a.columns > 0, "a product with nothing to sum up")
        c.requireStoredAsIs()
        require(bias == nil || bias!.count == c.columns, "a bias has one value for each column")
        guard let gate = ending.gate else { return }
        require(bias == nil, "a gated product has no bias")
        require(gate.rows == c.rows && gate.columns == c.columns, "a gate is as large as c")
        gate.requireStoredAsIs()
    }

    /// A product that was checked, whose right-hand factor is still to be set.
    private func product(
        _ a: Matrix, into c: Matrix, _ bias: Tensor?, _ ending: ProductEnding, _ accumulating: Bool
    ) -> ppt_gemm {
        var call = unsafe product(a, columns: c.columns, accumulating)
        unsafe (call.c, call.ldc) = (c.base, c.stride)
        unsafe (call.bias, call.ending) = (UnsafePointer(bias?.base), ending.raw)
        if let gate = ending.gate {
            unsafe (call.gate, call.ldgate) = (UnsafePointer(gate.base), gate.stride)
        }
        return unsafe call
    }

    /// A product whose right-hand factor and result are still to be set.
    private func product(_ a: Matrix, columns: Int, _ accumulating: Bool) -> ppt_gemm {
        var call = unsafe ppt_gemm()
        unsafe (call.m, call.n, call.k) = (a.rows, columns, a.columns)
        unsafe (call.rows, call.columns) = (ppt_range(from: 0, to: a.rows), ppt_range(from: 0, to: columns))
        unsafe (call.a, call.lda, call.transpose_a) = (UnsafePointer(a.base), a.stride, a.isTransposed ? 1 : 0)
        unsafe (call.accumulate, call.workspace) = (accumulating ? 1 : 0, workspace)
        return unsafe call
    }

    /// Each row of c = bias, or += bias.
    private func start(_ c: Matrix, with bias: Tensor, accumulating: Bool) {
        for row in 0..<c.rows {
            let start = unsafe c.base + row * c.stride
            if accumulating {
                unsafe table.pointee.add(c.columns, start, bias.base, start)
            } else {
                unsafe start.update(from: bias.base, count: c.columns)
            }
        }
    }

    /// An ending in a pass of its own.
    private func finish(_ c: Matrix, _ ending: ProductEnding) {
        if ending.raw == PPT_PLAIN { return }
        for row in 0..<c.rows {
            let start = unsafe c.base + row * c.stride
            if let gate = ending.gate {
                unsafe table.pointee.relu_backward(c.columns, gate.base + row * gate.stride, start, start)
            } else {
                unsafe table.pointee.relu(c.columns, start, start)
            }
        }
    }

    /// Packs b for any number of products with it on the right. Packed matrices of one level are not another's.
    public func pack(_ b: Matrix, into packed: PackedMatrix) {
        require(packed.rows == b.rows && packed.columns == b.columns, "a packed matrix of another shape")
        unsafe table.pointee.pack_b(
            b.rows, b.columns, b.base, b.stride, b.isTransposed ? 1 : 0, packed.storage.base)
    }

    /// The way back.
    public func unpack(_ packed: PackedMatrix, into b: Matrix) {
        require(packed.rows == b.rows && packed.columns == b.columns, "a packed matrix of another shape")
        unsafe table.pointee.unpack_b(
            b.rows, b.columns, packed.storage.base, b.base, b.stride, b.isTransposed ? 1 : 0)
    }

    /// Packs the transpose of a packed matrix.
    public func pack(transposeOf matrix: PackedMatrix, into packed: PackedMatrix) {
        require(packed.rows == matrix.columns && packed.columns == matrix.rows, "a transpose of another shape")
        if isTeam { return share(SharedPacking(kernels: self, matrix: matrix, packed: packed)) }
        pack(transposeOf: matrix, columns: 0..<packed.columns, into: packed)
    }

    /// Packs some columns, from the first of a panel on.
    func pack(transposeOf matrix: PackedMatrix, columns: Range<Int>, into packed: PackedMatrix) {
        let range = ppt_range(from: columns.lowerBound, to: columns.upperBound)
        unsafe table.pointee.pack_transpose(
            packed.rows, packed.columns, range, matrix.storage.base, packed.storage.base)
    }

    /// c [m, n] = a b + bias[n], or += when `accumulating`; the same bits as with b not packed.
    /// - Parameter transpose: what becomes b's transpose, packed as by `pack(transposeOf:into:)` while b is at hand.
    public func multiply(
        _ a: Matrix, _ b: PackedMatrix, into c: Matrix, bias: Tensor? = nil, ending: ProductEnding = .plain,
        accumulating: Bool = false, packing transpose: PackedMatrix? = nil
    ) {
        checkProduct(a, rows: b.rows, columns: b.columns, into: c, bias, ending)
        var call = unsafe product(a, into: c, bias, ending, accumulating)
        unsafe call.packed_b = UnsafePointer(b.storage.base)
        if let transpose {
            require(transpose.rows == b.columns && transpose.columns == b.rows, "a transpose of another shape")
            unsafe call.packed_transpose = transpose.storage.base
        }
        unsafe multiply(&call)
    }

    /// c [m, n] = a b, or += when `accumulating`; the same bits as with c not packed. Does not touch c's padding.
    /// - Parameter columnSums: [n], to which the rows of b are added as by `addColumnSums`, while they are at hand.
    public func multiply(
        _ a: Matrix, _ b: Matrix, into c: PackedMatrix, accumulating: Bool = false, columnSums: Tensor? = nil
    ) {
        require(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns, "factors that do not fit")
        require(a.columns > 0, "a product with nothing to sum up")
        require(columnSums == nil || columnSums!.count == c.columns, "one sum for each column")
        var call = unsafe product(a, columns: c.columns, accumulating)
        unsafe setFactor(b, of: &call)
        unsafe call.packed_c = unsafe c.storage.base
        unsafe call.column_sums = unsafe columnSums?.base
        unsafe multiply(&call)
    }

    /// out[c] += sum over rows of x [rows, columns].
    public func addColumnSums(_ x: Matrix, to out: Tensor) {
        require(out.count == x.columns, "one sum for each column")
        x.requireStoredAsIs()
        if isTeam { return share(SharedColumnSums(kernels: self, x: x, out: out)) }
        unsafe table.pointee.column_sum(x.rows, x.columns, x.base, x.stride, out.base)
    }

    // MARK: Elementwise

    /// out = a + b; `out` may be `a` or `b`.
    public func add(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        require(a.count == b.count && out.count == a.count, "sum of different counts")
        if isTeam { return share(SharedSum(kernels: self, a: a, b: b, out: out)) }
        unsafe table.pointee.add(a.count, a.base, b.base, out.base)
    }

    /// y = max(x, 0); `y` may be `x`.
    public func relu(_ x: Tensor, into y: Tensor) {
        require(x.count == y.count, "relu of different counts")
        if isTeam { return share(SharedActivation(kernels: self, kind: .relu, x: x, y: y)) }
        unsafe table.pointee.relu(x.count, x.base, y.base)
    }

    /// dx = dy where the output y is positive, else 0; `dx` may be `dy`.
    public func reluBackward(_ dy: Tensor, output y: Tensor, into dx: Tensor) {
        require(y.count == dy.count && dx.count == dy.count, "relu backward of different counts")
        if isTeam { return share(SharedActivationBackward(kernels: self, kind: .relu, dy: dy, kept: y, dx: dx)) }
        unsafe table.pointee.relu_backward(dy.count, y.base, dy.base, dx.base)
    }

    /// y = GELU(x), tanh form; `y` may be `x`.
    public func gelu(_ x: Tensor, into y: Tensor) {
        require(x.count == y.count, "gelu of different counts")
        if isTeam { return share(SharedActivation(kernels: self, kind: .gelu, x: x, y: y)) }
        unsafe table.pointee.gelu(x.count, x.base, y.base)
    }

    /// dx = dy GELU'(x) from the input x; `dx` may be `dy`.
    public func geluBackward(_ dy: Tensor, input x: Tensor, into dx: Tensor) {
        require(x.count == dy.count && dx.count == dy.count, "gelu backward of different counts")
        if isTeam { return share(SharedActivationBackward(kernels: self, kind: .gelu, dy: dy, kept: x, dx: dx)) }
        unsafe table.pointee.gelu_backward(dy.count, x.base, dy.base, dx.base)
    }

    /// y = x with some elements set to 0 and the others scaled, as the mask says; `y` may be `x`. The backward is the same
    /// call on dy, with the same mask.
    public func dropout(_ x: Tensor, _ mask: DropoutMask, into y: Tensor) {
        require(x.count == y.count, "dropout of different counts")
        if isTeam { return share(SharedDropout(kernels: self, x: x, mask: mask, y: y)) }
        var parameters = mask.raw
        unsafe table.pointee.dropout(x.count, x.base, y.base, &parameters)
    }

    // MARK: Rows

    /// y = layer norm of each row of x; fills `mean` and `rstd` (one for each row) for the backward.
    public func layerNorm(
        _ x: Tensor, gamma: Tensor, beta: Tensor, epsilon: Float, into y: Tensor, mean: Tensor, rstd: Tensor
    ) {
        let (rows, columns) = (x.shape.rows, x.shape.columns)
        require(y.count == x.count && mean.count == rows && rstd.count == rows, "layer norm of different counts")
        require(gamma.count == columns && beta.count == columns, "layer norm with weights of another width")
        if isTeam {
            return share(
                SharedLayerNorm(
                    kernels: self, x: x, gamma: gamma, beta: beta, epsilon: epsilon, y: y, mean: mean, rstd: rstd))
        }
        unsafe table.pointee.layer_norm(
            rows, columns, x.base, gamma.base, beta.base, epsilon, y.base, mean.base, rstd.base)
    }

    /// dx of a layer norm from its input x; `dx` may be `dy`.
    public func layerNormBackwardInput(
        _ dy: Tensor, input x: Tensor, gamma: Tensor, mean: Tensor, rstd: Tensor, into dx: Tensor
    ) {
        let (rows, columns) = (x.shape.rows, x.shape.columns)
        require(dy.count == x.count && dx.count == x.count && gamma.count == columns, "layer norm backward shapes")
        require(mean.count == rows && rstd.count == rows, "layer norm backward of different rows")
        if isTeam {
            return share(
                SharedLayerNormBackward(kernels: self, dy: dy, x: x, gamma: gamma, mean: mean, rstd: rstd, dx: dx))
        }
        unsafe table.pointee.layer_norm_backward_input(
            rows, columns, dy.base, x.base, gamma.base, mean.base, rstd.base, dx.base)
    }

    /// dgamma += and dbeta += of a layer norm from its input x.
    public func layerNormBackwardWeights(
        _ dy: Tensor, input x: Tensor, mean: Tensor, rstd: Tensor, dgamma: Tensor, dbeta: Tensor
    ) {
        let (rows, columns) = (x.shape.rows, x.shape.columns)
        require(dy.count == x.count && mean.count == rows && rstd.count == rows, "layer norm backward shapes")
        require(dgamma.count == columns && dbeta.count == columns, "layer norm backward of another width")
        if isTeam {
            return share(
                SharedLayerNormWeights(
                    kernels: self, dy: dy, x: x, mean: mean, rstd: rstd, dgamma: dgamma, dbeta: dbeta))
        }
        layerNormBackwardWeights(
            dy.reshaped(x.shape).matrix, input: x.matrix, mean: mean, rstd: rstd, dgamma: dgamma, dbeta: dbeta)
    }

    /// The same for some of the columns.
    func layerNormBackwardWeights(
        _ dy: Matrix, input x: Matrix, mean: Tensor, rstd: Tensor, dgamma: Tensor, dbeta: Tensor
    ) {
        require(dy.stride == x.stride, "layer norm backward of different strides")
        unsafe table.pointee.layer_norm_backward_weights(
            x.rows, x.columns, x.stride, dy.base, x.base, mean.base, rstd.base, dgamma.base, dbeta.base)
    }

    /// In place: each row becomes softmax(scale * row). With a `diagonal`, row r sees columns 0...diagonal + r only.
    /// - Parameter normalizers: [rows, 2], filled for `softmaxAgain`: what is subtracted, and what is multiplied by.
    public func softmax(_ x: Matrix, scale: Float, diagonal: Int? = nil, normalizers: Tensor) {
        checkSoftmax(x, diagonal, normalizers)
        unsafe table.pointee.softmax(x.rows, x.columns, x.base, x.stride, scale, diagonal ?? -1, normalizers.base)
    }

    private func checkSoftmax(_ x: Matrix, _ diagonal: Int?, _ normalizers: Tensor) {
        x.requireStoredAsIs()
        require(normalizers.count / 2 == x.rows && normalizers.count % 2 == 0, "softmax with normalizers of other rows")
        // The kernel adds a row's number to it.
        require(diagonal ?? 0 >= 0 && diagonal ?? 0 <= Int.max - x.rows - 1, "softmax with another diagonal")
    }

    /// In place: the softmax of the same rows once more, to the bit, from what it left in `normalizers`.
    public func softmaxAgain(_ x: Matrix, scale: Float, diagonal: Int? = nil, normalizers: Tensor) {
        checkSoftmax(x, diagonal, normalizers)
        unsafe table.pointee.softmax_again(x.rows, x.columns, x.base, x.stride, scale, diagonal ?? -1, normalizers.base)
    }

    /// In place: dp becomes the gradient at the softmax's input, from its output p and the gradient at its output dp.
    public func softmaxBackward(_ p: Matrix, _ dp: Matrix, scale: Float) {
        require(p.rows == dp.rows && p.columns == dp.columns, "softmax backward of different shapes")
        p.requireStoredAsIs()
        dp.requireStoredAsIs()
        unsafe table.pointee.softmax_backward(p.rows, p.columns, p.base, p.stride, dp.base, dp.stride, scale)
    }

    /// In place: logits [rows, vocabulary] become scale * (softmax - onehot(target)). Returns the summed loss of the rows.
    /// - Parameter rowLosses: two floats' room for each row; a team's members leave their rows' losses there.
    public func crossEntropy(_ logits: Tensor, targets: Tokens, scale: Float, rowLosses: Tensor) -> Double {
        require(targets.count == logits.shape.rows, "one target for each row of logits")
        require(rowLosses.count == 2 * targets.count, "room for one loss for each row of logits")
        targets.requireBelow(logits.shape.columns, "the columns of the logits")
        if isTeam {
            share(SharedCrossEntropy(kernels: self, logits: logits, targets: targets, scale: scale, losses: rowLosses))
            return (0..<targets.count).reduce(0) { $0 + rowLosses[double: $1] }
        }
        return unsafe table.pointee.cross_entropy(
            logits.shape.rows, logits.shape.columns, logits.base, targets.base, scale)
    }

    // MARK: Embedding

    /// out[r, :] = table[tokens[r], :]. Every token is a row of the table; another one traps.
    public func embedding(_ tokens: Tokens, table weights: Tensor, into out: Tensor) {
        require(out.shape.rows == tokens.count && out.shape.columns == weights.shape.columns, "embedding shapes")
        tokens.requireBelow(weights.shape.rows, "the rows of the embedding")
        unsafe table.pointee.embedding(tokens.count, weights.shape.columns, tokens.base, weights.base, out.base)
    }

    /// gradient[tokens[r], :] += dy[r, :]. Every token is a row of the gradient; another one traps.
    public func embeddingBackward(_ dy: Tensor, _ tokens: Tokens, into gradient: Tensor) {
        require(dy.shape.rows == tokens.count && dy.shape.columns == gradient.shape.columns, "embedding shapes")
        tokens.requireBelow(gradient.shape.rows, "the rows of the embedding")
        unsafe table.pointee.embedding_backward(
            tokens.count, gradient.shape.columns, tokens.base, dy.base, gradient.base)
    }

    // MARK: Optimizers

    /// One Adam update of w from g, with the moments m and v; clears g.
    public func adam(_ w: Tensor, _ g: Tensor, _ m: Tensor, _ v: Tensor, _ step: AdamStep) {
        require(g.count == w.count && m.count == w.count && v.count == w.count, "adam of different counts")
        if isTeam { return share(SharedAdam(kernels: self, w: w, g: g, m: m, v: v, step: step)) }
        var parameters = step.raw
        unsafe table.pointee.adam(w.count, w.base, g.base, m.base, v.base, &parameters)
    }

    /// w -= rate * g; clears g.
    public func sgd(_ w: Tensor, _ g: Tensor, rate: Float) {
        require(g.count == w.count, "sgd of different counts")
        if isTeam { return share(SharedGradientDescent(kernels: self, w: w, g: g, rate: rate)) }
        unsafe table.pointee.sgd(w.count, w.base, g.base, rate)
    }
}
