// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Testing

struct ProductTests {
    private static let levels = SIMDLevel.allCases.filter(\.isSupported)

    @Test("products agree with three plain loops, all transposes, bias, endings, accumulating", arguments: levels)
    func products(level: SIMDLevel) throws {
        let shapes = [
            (1, 1, 1), (5, 3, 2), (13, 33, 17), (12, 32, 16), (25, 70, 300), (64, 60, 64), (250, 40, 9), (3, 1100, 5),
            (256, 9, 150),
        ]
        for (m, n, k) in shapes {
            for variant in 0..<48 {
                try product(
                    level, m, n, k, transposeA: variant & 1 != 0, transposeB: variant & 2 != 0,
                    hasBias: variant & 4 != 0, accumulating: variant & 8 != 0, ending: Ending.allCases[variant / 16])
            }
        }
    }

    private enum Ending: CaseIterable { case plain, rectified, gated }

    private func product(
        _ level: SIMDLevel, _ m: Int, _ n: Int, _ k: Int, transposeA: Bool, transposeB: Bool, hasBias: Bool = true,
        accumulating: Bool = true, ending: Ending = .plain
    ) throws {
        let bench = try Bench(level)
        let a = transposeA ? bench.tensor(Shape(k, m)) : bench.tensor(Shape(m, k))
        let b = transposeB ? bench.tensor(Shape(n, k)) : bench.tensor(Shape(k, n))
        let c = bench.tensor(Shape(m, n), filledWith: accumulating ? 0.5 : .nan)
        let bias = hasBias && ending != .gated ? bench.tensor(Shape(n)) : nil
        let gate = bench.tensor(Shape(m, n))
        let (av, bv) = (doubles(a), doubles(b))
        let sums = Reference.multiply(
            m: m, n: n, k: k, a: { transposeA ? av[$1 * m + $0] : av[$0 * k + $1] },
            b: { transposeB ? bv[$1 * k + $0] : bv[$0 * n + $1] }, bias: bias.map(doubles),
            old: accumulating ? doubles(c) : nil)
        let expected =
            switch ending {
            case .plain: sums
            case .rectified: sums.map { max($0, 0) }
            case .gated: zip(sums, doubles(gate)).map { $1 > 0 ? $0 : 0 }
            }
        bench.kernels.multiply(
            transposeA ? a.matrix.transposed : a.matrix, transposeB ? b.matrix.transposed : b.matrix, into: c.matrix,
            bias: bias, ending: ending == .plain ? .plain : ending == .rectified ? .rectified : .gated(gate.matrix),
            accumulating: accumulating)
        expect(
            c, near: expected,
            "\(level) [\(m),\(n),\(k)] \(transposeA) \(transposeB) \(hasBias) \(accumulating) \(ending)")
    }

    @Test("what is not a number stays so when it is rectified, in whole tiles and beside them", arguments: levels)
    func rectifiedNaN(level: SIMDLevel) throws {
        let bench = try Bench(level)
        for (m, n, k) in [(1, 1, 1), (5, 3, 2), (25, 70, 30)] {
            let (a, b, c) = (bench.tensor(Shape(m, k)), bench.tensor(Shape(k, n)), bench.tensor(Shape(m, n)))
            a[(m - 1) * k] = .nan
            bench.kernels.multiply(a.matrix, b.matrix, into: c.matrix, ending: .rectified)
            let isNaN = c.values.map(\.isNaN)
            #expect(isNaN == (0..<m * n).map { $0 / n == m - 1 }, "[\(m),\(n),\(k)]")
        }
    }

    @Test("products of every height and width up to three tiles agree with plain loops", arguments: levels)
    func smallProducts(level: SIMDLevel) throws {
        for m in 1...37 { try product(level, m, 5, 3, transposeA: m % 2 == 0, transposeB: false) }
        for m in 1...37 { try product(level, m, 4, 2, transposeA: m % 2 == 1, transposeB: true) }
        for n in 1...70 { try product(level, 7, n, 3, transposeA: n % 2 == 0, transposeB: n % 3 == 0) }
    }

    @Test("a product of strided parts touches nothing but its own part", arguments: levels)
    func stridedProduct(level: SIMDLevel) throws {
        let bench = try Bench(level)
        let (a, b) = (bench.tensor(Shape(20, 50)), bench.tensor(Shape(20, 50)))
        let c = bench.tensor(Shape(30, 40), filledWith: 7)
        bench.kernels.multiply(
            a.matrix.rows(2..<15).columns(5..<24), b.matrix.rows(1..<18).columns(20..<39).transposed,
            into: c.matrix.rows(3..<16).columns(10..<27))
        let (av, bv, cv) = (doubles(a), doubles(b), doubles(c))
        for row in 0..<30 {
            for column in 0..<40 {
                let isInside = (3..<16).contains(row) && (10..<27).contains(column)
                let expected =
                    isInside
                    ? (0..<19).reduce(0.0) { $0 + av[(row - 1) * 50 + 5 + $1] * bv[(column - 9) * 50 + 20 + $1] } : 7
                #expect(abs(cv[row * 40 + column] - expected) < 1e-4)
            }
        }
    }

    @Test("the bits of a product do not depend on how its rows and columns are split", arguments: levels)
    func splitProduct(level: SIMDLevel) throws {
        let bench = try Bench(level)
        let (m, n, k) = (61, 83, 517)
        let (a, b) = (bench.tensor(Shape(m, k)), bench.tensor(Shape(n, k)))
        let (whole, parts) = (bench.tensor(Shape(m, n), filledWith: 0), bench.tensor(Shape(m, n), filledWith: 0))
        bench.kernels.multiply(a.matrix, b.matrix.transposed, into: whole.matrix)
        for (row, column) in [(1, 2), (7, 31), (12, 32), (60, 82)] {
            for rows in [0..<row, row..<m] {
                for columns in [0..<column, column..<n] {
                    bench.kernels.multiply(
                        a.matrix.rows(rows), b.matrix.rows(columns).transposed,
                        into: parts.matrix.rows(rows).columns(columns))
                }
            }
            #expect(parts.values.map(\.bitPattern) == whole.values.map(\.bitPattern))
        }
    }

    @Test("what products are compared with counts a multiplication and an addition of each number", arguments: levels)
    func peak(level: SIMDLevel) throws {
        // Each number becomes half of what it was, and one more, step after step: all are 2 in the end, and their sum twice as many.
        let work = try Bench(level).kernels.peakWork(steps: 200)
        #expect(work.operations == 200 * 2 * Double(work.result / 2) && work.result > 0)
    }

    @Test("factors that do not fit trap") func misfit() async {
        await #expect(processExitsWith: .failure) {
            let bench = try Bench(.portable)
            let a = bench.tensor(Shape(2, 3))
            bench.kernels.multiply(a.matrix, a.matrix, into: a.matrix)
        }
    }
}
