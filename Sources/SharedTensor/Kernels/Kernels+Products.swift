// SPDX-License-Identifier: Apache-2.0

import CKernels
import Threads

extension Kernels {
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

    /// c [m, n] = a b + bias[n], or += when `accumulating`; the same bits as with b not packed.
    /// `transpose` becomes b's transpose, packed as by `pack(transposeOf:into:)` while b is at hand.
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
    /// To `columnSums` [n] the rows of b are added as by `addColumnSums`, while they are at hand.
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
}

extension Kernels {
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
}

/// What a BLAS leaves to do.
extension Kernels {
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
}

/// A matrix product, by rows or by columns of the result.
@safe
private struct SharedProduct: TeamWork {
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
