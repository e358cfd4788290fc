// SPDX-License-Identifier: Apache-2.0

import CKernels
import Threads

/// A matrix [rows, columns] in the layout that `Kernels.multiply` reads it in fastest, as a right-hand factor, and writes
/// in one piece: panels of some columns, each row by row. Columns are padded to whole vectors, with 0 once it was packed.
public struct PackedMatrix {
    /// Of the matrix, and of each of its panels.
    public let rows: Int
    /// Of the matrix, without the padding.
    public let columns: Int
    let storage: Tensor

    /// Floats that a packed matrix takes.
    public static func storageShape(rows: Int, columns: Int) -> Shape {
        let vector = Int(PPT_GEMM_PACKED_COLUMNS)
        if columns > Int.max - vector { trap("a packed matrix of \(columns) columns") }
        return Shape(rows, (columns + vector - 1) / vector * vector)
    }

    /// A view of `storage`, which has the `storageShape` of these rows and columns and is aligned to 64 bytes.
    public init(rows: Int, columns: Int, storage: Tensor) {
        if storage.count < Self.storageShape(rows: rows, columns: columns).count {
            trap("a packed matrix [\(rows), \(columns)] needs room for whole vectors, not \(storage.count) floats")
        }
        self.rows = rows
        self.columns = columns
        self.storage = storage
    }
}
