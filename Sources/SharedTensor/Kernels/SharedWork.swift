import CKernels
import Threads

// What the members of a rank's team share out among themselves. Each takes a run of rows, of columns or of elements, and
// none takes a part of a sum: so the number of members changes no bit.

/// Work in which every one of `count` things can be done apart from the others.
public protocol SharedWork: TeamWork {
    /// The team's.
    var kernels: Kernels { get }
    /// How many there are to share out.
    var count: Int { get }
    /// Members take multiples of this, so that they do not write to the same cache lines: the floats of one, unless the
    /// work says otherwise.
    var grain: Int { get }
    /// Does some of them, on one member's thread.
    /// - Parameter kernels: the member's own.
    func run(_ part: Range<Int>, _ kernels: Kernels)
}

/// The part of a member: the parts are in order, and differ by one grain at most.
func part(of count: Int, grain: Int, member: Int, members: Int) -> Range<Int> {
    let grains = (count + grain - 1) / grain
    let from = grains * member / members * grain
    let to = grains * (member + 1) / members * grain
    return min(from, count)..<min(to, count)
}

extension SharedWork {
    public var grain: Int { 16 }

    public func run(member: Int, of members: Int) {
        if count < 0 || grain < 1 { trap("work of \(count) things in grains of \(grain)") }
        let part = part(of: count, grain: grain, member: member, members: members)
        if !part.isEmpty { run(part, kernels.ofMember(member)) }
    }
}

/// A matrix product, by rows or by columns of the result.
@safe
struct SharedProduct: TeamWork {
    // Sound: what the pointers point to outlives the product, which the dispatcher waits for.
    let table: UnsafePointer<ppt_kernels>
    let call: ppt_gemm

    func run(member: Int, of members: Int) {
        var own = unsafe call
        func range(_ count: Int, _ grain: Int) -> ppt_range {
            let part = part(of: count, grain: grain, member: member, members: members)
            return ppt_range(from: part.lowerBound, to: part.upperBound)
        }
        if unsafe Self.sharesColumns(rows: call.m, columns: call.n, members) {
            unsafe own.columns = range(call.n, Int(PPT_GEMM_PANEL_COLUMNS))
        } else {
            unsafe own.rows = range(call.m, Int(PPT_GEMM_ROW_GRAIN))
        }
        unsafe own.workspace += member * Int(PPT_GEMM_WORKSPACE_FLOATS)
        unsafe table.pointee.gemm(&own)
    }

    /// By columns, each member reads its own part of the weight; by rows all read all of it. So columns it is, unless the
    /// parts would be much less equal.
    private static func sharesColumns(rows: Int, columns: Int, _ members: Int) -> Bool {
        func excess(_ count: Int, _ grain: Int) -> Double {
            let grains = (count + grain - 1) / grain
            return Double((grains + members - 1) / members * grain * members) / Double(count)
        }
        return excess(columns, Int(PPT_GEMM_PANEL_COLUMNS)) <= 1.03 * excess(rows, Int(PPT_GEMM_ROW_GRAIN))
    }
}

struct SharedPacking: SharedWork {
    let kernels: Kernels
    let matrix: PackedMatrix
    /// Becomes its transpose.
    let packed: PackedMatrix

    var count: Int { packed.columns }
    var grain: Int { Int(PPT_GEMM_PANEL_COLUMNS) }
    func run(_ columns: Range<Int>, _ kernels: Kernels) {
        kernels.pack(transposeOf: matrix, columns: columns, into: packed)
    }
}

struct SharedColumnSums: SharedWork {
    let kernels: Kernels
    let x: Matrix
    let out: Tensor

    var count: Int { x.columns }
    func run(_ columns: Range<Int>, _ kernels: Kernels) {
        kernels.addColumnSums(x.columns(columns), to: out.elements(columns))
    }
}

// MARK: Elements

struct SharedSum: SharedWork {
    let kernels: Kernels
    let a, b, out: Tensor

    var count: Int { out.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.add(a.elements(part), b.elements(part), into: out.elements(part))
    }
}

struct SharedActivation: SharedWork {
    enum Kind { case relu, gelu }

    let kernels: Kernels
    let kind: Kind
    let x, y: Tensor

    var count: Int { y.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        switch kind {
        case .relu: kernels.relu(x.elements(part), into: y.elements(part))
        case .gelu: kernels.gelu(x.elements(part), into: y.elements(part))
        }
    }
}

struct SharedActivationBackward: SharedWork {
    let kernels: Kernels
    let kind: SharedActivation.Kind
    let dy: Tensor
    /// The output of a ReLU, the input of a GELU.
    let kept: Tensor
    let dx: Tensor

    var count: Int { dx.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        let (dy, kept, dx) = (dy.elements(part), kept.elements(part), dx.elements(part))
        switch kind {
        case .relu: kernels.reluBackward(dy, output: kept, into: dx)
        case .gelu: kernels.geluBackward(dy, input: kept, into: dx)
        }
    }
}

struct SharedDropout: SharedWork {
    let kernels: Kernels
    let x: Tensor
    let mask: DropoutMask
    let y: Tensor

    var count: Int { y.count }
    /// What one group of random numbers serves.
    var grain: Int { 64 }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.dropout(x.elements(part), mask.advanced(by: part.lowerBound), into: y.elements(part))
    }
}

struct SharedAdam: SharedWork {
    let kernels: Kernels
    let w, g, m, v: Tensor
    let step: AdamStep

    var count: Int { w.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.adam(w.elements(part), g.elements(part), m.elements(part), v.elements(part), step)
    }
}

struct SharedGradientDescent: SharedWork {
    let kernels: Kernels
    let w, g: Tensor
    let rate: Float

    var count: Int { w.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.sgd(w.elements(part), g.elements(part), rate: rate)
    }
}

// MARK: Rows

struct SharedLayerNorm: SharedWork {
    let kernels: Kernels
    let x, gamma, beta: Tensor
    let epsilon: Float
    let y, mean, rstd: Tensor

    var count: Int { x.shape.rows }
    var grain: Int { 1 }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.layerNorm(
            x.rows(part), gamma: gamma, beta: beta, epsilon: epsilon, into: y.reshaped(x.shape).rows(part),
            mean: mean.elements(part), rstd: rstd.elements(part))
    }
}

struct SharedLayerNormBackward: SharedWork {
    let kernels: Kernels
    let dy, x, gamma, mean, rstd, dx: Tensor

    var count: Int { x.shape.rows }
    var grain: Int { 1 }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.layerNormBackwardInput(
            dy.reshaped(x.shape).rows(part), input: x.rows(part), gamma: gamma, mean: mean.elements(part),
            rstd: rstd.elements(part), into: dx.reshaped(x.shape).rows(part))
    }
}

struct SharedLayerNormWeights: SharedWork {
    let kernels: Kernels
    let dy, x, mean, rstd, dgamma, dbeta: Tensor

    var count: Int { x.shape.columns }
    func run(_ columns: Range<Int>, _ kernels: Kernels) {
        kernels.layerNormBackwardWeights(
            dy.reshaped(x.shape).matrix.columns(columns), input: x.matrix.columns(columns), mean: mean, rstd: rstd,
            dgamma: dgamma.elements(columns), dbeta: dbeta.elements(columns))
    }
}

struct SharedCrossEntropy: SharedWork {
    let kernels: Kernels
    let logits: Tensor
    let targets: Tokens
    let scale: Float
    /// Of the rows, as doubles.
    let losses: Tensor

    var count: Int { targets.count }
    var grain: Int { 1 }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        for row in part {
            losses[double: row] = kernels.crossEntropy(
                logits.rows(row..<row + 1), targets: targets[row..<row + 1], scale: scale,
                rowLosses: losses.elements(2 * row..<2 * row + 2))
        }
    }
}
