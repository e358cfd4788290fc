// SPDX-License-Identifier: Apache-2.0

import CKernels
import Threads

extension Kernels {
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
}

private struct SharedPacking: SharedWork {
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
