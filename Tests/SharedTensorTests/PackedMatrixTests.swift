// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Testing

/// Shapes (m, n, k) beside the sizes of tiles, panels, blocks and runs.
private let shapes = [
    (1, 1, 1), (5, 33, 2), (13, 31, 17), (25, 70, 600), (250, 40, 9), (3, 1100, 300), (500, 33, 130), (40, 96, 257),
    (256, 50, 150),
]

struct PackedMatrixTests {
    private static let levels = SIMDLevel.allCases.filter(\.isSupported)

    private func zeros(_ bench: Bench, _ rows: Int, _ columns: Int) -> (storage: Tensor, packed: PackedMatrix) {
        let storage = bench.tensor(PackedMatrix.storageShape(rows: rows, columns: columns), filledWith: 0)
        return (storage, PackedMatrix(rows: rows, columns: columns, storage: storage))
    }

    /// (A failed comparison of arrays would be explained element by element, for minutes.)
    private func haveSameBits(_ a: Tensor, _ b: Tensor) -> Bool {
        a.values.map(\.bitPattern) == b.values.map(\.bitPattern)
    }

    @Test("a packed factor gives the bits of the plain one", arguments: levels)
    func packedFactor(level: SIMDLevel) throws {
        for (m, n, k) in shapes {
            for isTransposed in [false, true] {
                let bench = try Bench(level)
                let a = bench.tensor(Shape(m, k))
                let b = isTransposed ? bench.tensor(Shape(n, k)).matrix.transposed : bench.tensor(Shape(k, n)).matrix
                let bias = bench.tensor(Shape(n))
                let (plain, packed) = (bench.tensor(Shape(m, n)), bench.tensor(Shape(m, n)))
                packed.copy(from: plain)
                let factor = zeros(bench, k, n).packed
                bench.kernels.pack(b, into: factor)
                for accumulating in [false, true] {
                    bench.kernels.multiply(
                        a.matrix, b, into: plain.matrix, bias: bias, accumulating: accumulating)
                    bench.kernels.multiply(
                        a.matrix, factor, into: packed.matrix, bias: bias, accumulating: accumulating)
                    #expect(haveSameBits(packed, plain), "\(level) \(m) \(n) \(k)")
                }
            }
        }
    }

    @Test("a packed result has the bits of the plain one, and padding that is 0 stays 0", arguments: levels)
    func packedResult(level: SIMDLevel) throws {
        for (m, n, k) in shapes {
            for variant in 0..<8 {
                let bench = try Bench(level)
                func factor(_ rows: Int, _ columns: Int, isTransposed: Bool) -> Matrix {
                    isTransposed
                        ? bench.tensor(Shape(columns, rows)).matrix.transposed
                        : bench.tensor(Shape(rows, columns)).matrix
                }
                let a = factor(m, k, isTransposed: variant & 1 != 0)
                let b = factor(k, n, isTransposed: variant & 2 != 0)
                let plain = bench.tensor(Shape(m, n))
                let (result, expected) = (zeros(bench, m, n), zeros(bench, m, n))
                bench.kernels.pack(plain.matrix, into: result.packed)
                bench.kernels.multiply(a, b, into: plain.matrix, accumulating: variant & 4 != 0)
                bench.kernels.multiply(a, b, into: result.packed, accumulating: variant & 4 != 0)
                bench.kernels.pack(plain.matrix, into: expected.packed)
                #expect(haveSameBits(result.storage, expected.storage), "\(level) \(m) \(n) \(k) \(variant)")
            }
        }
    }

    @Test("a packed result's column sums have the bits of sums made apart", arguments: levels)
    func columnSums(level: SIMDLevel) throws {
        for (m, n, k) in shapes {
            let bench = try Bench(level)
            let (a, b) = (bench.tensor(Shape(k, m)), bench.tensor(Shape(k, n)))
            let (sums, expected) = (bench.tensor(Shape(n)), bench.tensor(Shape(n)))
            expected.copy(from: sums)
            bench.kernels.multiply(a.matrix.transposed, b.matrix, into: zeros(bench, m, n).packed, columnSums: sums)
            bench.kernels.addColumnSums(b.matrix, to: expected)
            #expect(haveSameBits(sums, expected), "\(level) \(m) \(n) \(k)")
        }
    }

    @Test("packing writes 0 as the padding of columns, and unpacking gives back what was packed", arguments: levels)
    func unpacked(level: SIMDLevel) throws {
        for (_, n, k) in shapes {
            let bench = try Bench(level)
            let (b, transposed) = (bench.tensor(Shape(k, n)), bench.tensor(Shape(n, k)))
            let (again, back) = (bench.tensor(Shape(k, n)), bench.tensor(Shape(n, k)))
            let storage = bench.tensor(PackedMatrix.storageShape(rows: k, columns: n), filledWith: .nan)
            let packed = PackedMatrix(rows: k, columns: n, storage: storage)
            bench.kernels.pack(b.matrix, into: packed)
            bench.kernels.unpack(packed, into: again.matrix)
            #expect(haveSameBits(again, b), "\(level) \(n) \(k)")
            let panels = storage.values.prefix { !$0.isNaN }
            #expect(panels.count >= k * n && panels.count { $0 != 0 } == k * n)
            bench.kernels.pack(transposed.matrix.transposed, into: packed)
            bench.kernels.unpack(packed, into: back.matrix.transposed)
            #expect(haveSameBits(back, transposed), "\(level) \(n) \(k)")
        }
    }

    @Test("a packed matrix's transpose is packed as from its rows", arguments: levels)
    func transposed(level: SIMDLevel) throws {
        for (_, n, k) in shapes {
            let bench = try Bench(level)
            let b = bench.tensor(Shape(k, n))
            let (packed, transpose, expected) = (zeros(bench, k, n), zeros(bench, n, k), zeros(bench, n, k))
            bench.kernels.pack(b.matrix, into: packed.packed)
            bench.kernels.pack(transposeOf: packed.packed, into: transpose.packed)
            bench.kernels.pack(b.matrix.transposed, into: expected.packed)
            #expect(haveSameBits(transpose.storage, expected.storage), "\(level) \(n) \(k)")
        }
    }

    @Test("a product packs its factor's transpose on the way, and is the same", arguments: levels)
    func packedOnTheWay(level: SIMDLevel) throws {
        // More rows than a block has; more steps of k than a run; too few tiles for all strips between them.
        for (m, n, k) in shapes + [(300, 100, 70), (40, 61, 700), (1, 130, 250)] {
            let bench = try Bench(level)
            let (a, b) = (bench.tensor(Shape(m, k)), bench.tensor(Shape(k, n)))
            let (packed, transpose, expected) = (zeros(bench, k, n), zeros(bench, n, k), zeros(bench, n, k))
            let (c, plain) = (bench.tensor(Shape(m, n)), bench.tensor(Shape(m, n)))
            bench.kernels.pack(b.matrix, into: packed.packed)
            bench.kernels.pack(transposeOf: packed.packed, into: expected.packed)
            bench.kernels.multiply(a.matrix, packed.packed, into: plain.matrix)
            bench.kernels.multiply(a.matrix, packed.packed, into: c.matrix, packing: transpose.packed)
            #expect(haveSameBits(transpose.storage, expected.storage), "\(level) \(m) \(n) \(k)")
            #expect(haveSameBits(c, plain), "\(level) \(m) \(n) \(k)")
        }
    }
}
