import Foundation
import SharedTensor
import Testing
import Threads

/// Tensors and kernels of one level in memory of their own.
final class Bench {
    let kernels: Kernels
    private let segment: Segment
    private var layout = SegmentLayout()
    private var generator: SeededGenerator

    init(_ level: SIMDLevel, team: Team? = nil, seed: UInt64 = 1) throws {
        segment = try Segment(bytes: 64 << 20, backing: .privateMemory)
        let team = team?.dispatcher ?? .alone
        let shape = Kernels.workspaceShape(members: team.members)
        kernels = Kernels(level: level, workspace: segment.tensor(layout.reserve(shape), shape), team: team)
        generator = SeededGenerator(state: seed)
    }

    func tensor(_ shape: Shape, filledWith value: Float? = nil) -> Tensor {
        let tensor = segment.tensor(layout.reserve(shape), shape)
        for index in 0..<tensor.count { tensor[index] = value ?? Float.random(in: -2...2, using: &generator) }
        return tensor
    }

    func tokens(_ count: Int, below bound: Int32) -> Tokens {
        let tokens = segment.arena.tokens(layout.reserve(bytes: 4 * count))
        for index in 0..<count { tokens[index] = Int32.random(in: 0..<bound, using: &generator) }
        return tokens
    }
}

struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

struct KernelTests {
    static let levels = SIMDLevel.allCases.filter(\.isSupported)
    static let sizes = [1, 2, 3, 7, 15, 16, 17, 31, 33, 64, 100, 129]

    private func doubles(_ tensor: Tensor) -> [Double] { tensor.values.map(Double.init) }

    private func expect(
        _ tensor: Tensor, near expected: [Double], within tolerance: Double = 2e-6, _ label: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let scale = max(1, expected.map(abs).max() ?? 1)
        let worst = zip(doubles(tensor), expected).map { abs($0 - $1) }.max() ?? 0
        #expect(worst <= tolerance * scale, "\(label)", sourceLocation: sourceLocation)
        #expect(tensor.values.allSatisfy { $0.isFinite }, "\(label)", sourceLocation: sourceLocation)
    }

    @Test("every level that this CPU runs is found, and the best is one of them") func supportedLevels() {
        #expect(SIMDLevel.portable.isSupported)
        #expect(SIMDLevel.best.isSupported)
    }

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

    @Test("the bits of elementwise kernels do not depend on an element's index", arguments: levels)
    func splitElementwise(level: SIMDLevel) throws {
        let bench = try Bench(level)
        let n = 133
        let x = bench.tensor(Shape(n))
        func check(_ name: String, _ kernel: (Tensor, Tensor) -> Void) {
            let (whole, parts) = (bench.tensor(Shape(n)), bench.tensor(Shape(n)))
            kernel(x, whole)
            for cut in [1, 3, 16, 31, 100] {
                for range in [0..<cut, cut..<n] { kernel(x.elements(range), parts.elements(range)) }
                #expect(parts.values.map(\.bitPattern) == whole.values.map(\.bitPattern), "\(name) cut at \(cut)")
            }
        }
        check("gelu") { bench.kernels.gelu($0, into: $1) }
        check("gelu backward") { bench.kernels.geluBackward($0, input: $0, into: $1) }
        check("relu") { bench.kernels.relu($0, into: $1) }
        check("adam") { w, out in
            out.copy(from: w)
            let gradient = bench.tensor(w.shape)
            gradient.copy(from: w)
            let (m, v) = (bench.tensor(w.shape, filledWith: 0.1), bench.tensor(w.shape, filledWith: 0.2))
            bench.kernels.adam(
                out, gradient, m, v, AdamStep(step: 3, rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
        }
    }

    @Test("elementwise kernels agree with libm", arguments: levels, sizes)
    func elementwise(level: SIMDLevel, n: Int) throws {
        let bench = try Bench(level, seed: UInt64(n))
        let (x, dy, out) = (bench.tensor(Shape(n)), bench.tensor(Shape(n)), bench.tensor(Shape(n)))
        let (xv, dv) = (doubles(x), doubles(dy))
        bench.kernels.add(x, dy, into: out)
        expect(out, near: zip(xv, dv).map(+), "add")
        bench.kernels.relu(x, into: out)
        expect(out, near: xv.map { max($0, 0) }, within: 0, "relu")
        bench.kernels.reluBackward(dy, output: out, into: out)
        expect(out, near: zip(xv, dv).map { $0 > 0 ? $1 : 0 }, within: 0, "relu backward")
        bench.kernels.gelu(x, into: out)
        expect(out, near: xv.map(Reference.gelu), within: 5e-7, "gelu")
        bench.kernels.geluBackward(dy, input: x, into: out)
        expect(out, near: zip(xv, dv).map { $1 * Reference.geluSlope($0) }, within: 1e-6, "gelu backward")
    }

    @Test("gelu is right far out, on both sides", arguments: levels) func geluTails(level: SIMDLevel) throws {
        let bench = try Bench(level)
        let inputs: [Float] = [-100, -30, -9, -5, -1e-6, 0, 1e-6, 5, 9, 30, 100]
        let (x, y) = (bench.tensor(Shape(inputs.count)), bench.tensor(Shape(inputs.count)))
        for (index, value) in inputs.enumerated() { x[index] = value }
        bench.kernels.gelu(x, into: y)
        for (index, value) in inputs.enumerated() {
            #expect(abs(Double(y[index]) - Reference.gelu(Double(value))) <= 1e-6 * max(1, abs(Double(value))))
        }
    }

    @Test("layer norm and its backward agree with the formulas", arguments: levels, sizes)
    func layerNorm(level: SIMDLevel, columns: Int) throws {
        let bench = try Bench(level, seed: UInt64(columns))
        let rows = 3
        let (x, dy) = (bench.tensor(Shape(rows, columns)), bench.tensor(Shape(rows, columns)))
        let (gamma, beta) = (bench.tensor(Shape(columns)), bench.tensor(Shape(columns)))
        let (mean, rstd) = (bench.tensor(Shape(rows)), bench.tensor(Shape(rows)))
        let (y, dx) = (bench.tensor(Shape(rows, columns)), bench.tensor(Shape(rows, columns)))
        for index in 0..<x.count { x[index] += 10 }
        bench.kernels.layerNorm(x, gamma: gamma, beta: beta, epsilon: 1e-5, into: y, mean: mean, rstd: rstd)
        bench.kernels.layerNormBackwardInput(dy, input: x, gamma: gamma, mean: mean, rstd: rstd, into: dx)
        let (dgamma, dbeta) = (bench.tensor(Shape(columns), filledWith: 1), bench.tensor(Shape(columns), filledWith: 2))
        bench.kernels.layerNormBackwardWeights(dy, input: x, mean: mean, rstd: rstd, dgamma: dgamma, dbeta: dbeta)

        let (g, b) = (doubles(gamma), doubles(beta))
        let xs = (0..<rows).map { doubles(x.rows($0..<$0 + 1)) }
        let dys = (0..<rows).map { doubles(dy.rows($0..<$0 + 1)) }
        // One column has no spread: rstd is 1/sqrt(epsilon), which magnifies the rounding of x - mean.
        let tolerance = columns == 1 ? 1e-2 : 2e-5
        expect(
            y, near: xs.flatMap { Reference.layerNorm($0, gamma: g, beta: b, epsilon: 1e-5) }, within: tolerance, "y")
        expect(
            dx, near: zip(xs, dys).flatMap { Reference.layerNormBackward($1, row: $0, gamma: g, epsilon: 1e-5) },
            within: tolerance, "dx")
        expect(dbeta, near: (0..<columns).map { c in 2 + dys.reduce(0) { $0 + $1[c] } }, "dbeta")
        let normals = xs.map { row in
            let (mean, rstd) = Reference.moments(row, epsilon: 1e-5)
            return row.map { ($0 - mean) * rstd }
        }
        expect(
            dgamma, near: (0..<columns).map { c in 1 + zip(dys, normals).reduce(0) { $0 + $1.0[c] * $1.1[c] } },
            within: tolerance, "dgamma")
    }

    @Test("softmax agrees with libm, masked and not, and large values do not overflow", arguments: levels, sizes)
    func softmax(level: SIMDLevel, columns: Int) throws {
        let bench = try Bench(level, seed: UInt64(columns))
        for (causal, size) in [(false, Float(1)), (true, 1), (false, 80)] {
            let rows = causal ? columns : 4
            let x = bench.tensor(Shape(rows, columns))
            for index in 0..<x.count { x[index] *= size }
            let expected = (0..<rows).flatMap { row -> [Double] in
                let seen = causal ? row + 1 : columns
                let logits = doubles(x.rows(row..<row + 1)).prefix(seen).map { 0.7 * $0 }
                return Reference.softmax(logits) + Array(repeating: 0, count: columns - seen)
            }
            let dp = bench.tensor(Shape(rows, columns))
            let dv = doubles(dp)
            let again = bench.tensor(Shape(rows, columns))
            again.copy(from: x)
            let normalizers = bench.tensor(Shape(rows, 2))
            bench.kernels.softmax(x.matrix, scale: 0.7, diagonal: causal ? 0 : nil, normalizers: normalizers)
            bench.kernels.softmaxAgain(again.matrix, scale: 0.7, diagonal: causal ? 0 : nil, normalizers: normalizers)
            #expect(again.values.map(\.bitPattern) == x.values.map(\.bitPattern))
            expect(x, near: expected, within: size > 1 ? 2e-5 : 1e-6, "softmax \(causal) \(size)")
            bench.kernels.softmaxBackward(x.matrix, dp.matrix, scale: 0.7)
            let backward = (0..<rows).flatMap { row -> [Double] in
                let p = expected[row * columns..<(row + 1) * columns].map { $0 }
                let d = dv[row * columns..<(row + 1) * columns].map { $0 }
                let dot = zip(p, d).reduce(0) { $0 + $1.0 * $1.1 }
                return zip(p, d).map { 0.7 * $0 * ($1 - dot) }
            }
            expect(dp, near: backward, within: size > 1 ? 5e-5 : 2e-6, "backward \(causal) \(size)")
        }
    }

    @Test("cross-entropy gives the loss and the gradient, in place", arguments: levels, sizes.dropFirst())
    func crossEntropy(level: SIMDLevel, vocabulary: Int) throws {
        let bench = try Bench(level, seed: UInt64(vocabulary))
        let rows = 5
        let logits = bench.tensor(Shape(rows, vocabulary))
        let targets = bench.tokens(rows, below: Int32(vocabulary))
        let probabilities = (0..<rows).map { Reference.softmax(doubles(logits.rows($0..<$0 + 1))) }
        let loss = bench.kernels.crossEntropy(
            logits, targets: targets, scale: 0.25, rowLosses: bench.tensor(Shape(rows, 2)))
        #expect(abs(loss - (0..<rows).reduce(0) { $0 - log(probabilities[$1][Int(targets[$1])]) }) < 1e-5)
        let expected = (0..<rows).flatMap { row in
            (0..<vocabulary).map { 0.25 * (probabilities[row][$0] - ($0 == Int(targets[row]) ? 1 : 0)) }
        }
        expect(logits, near: expected, "gradient")
    }

    @Test("column sums and embeddings add row after row", arguments: levels, sizes)
    func rowsAdded(level: SIMDLevel, columns: Int) throws {
        let bench = try Bench(level, seed: UInt64(columns))
        let x = bench.tensor(Shape(6, columns))
        let sums = bench.tensor(Shape(columns), filledWith: 3)
        bench.kernels.addColumnSums(x.matrix, to: sums)
        let xv = doubles(x)
        expect(sums, near: (0..<columns).map { c in 3 + (0..<6).reduce(0) { $0 + xv[$1 * columns + c] } }, "sums")

        let table = bench.tensor(Shape(4, columns))
        let tokens = bench.tokens(6, below: 4)
        let out = bench.tensor(Shape(6, columns))
        bench.kernels.embedding(tokens, table: table, into: out)
        for row in 0..<6 {
            #expect(out.rows(row..<row + 1).values == table.rows(Int(tokens[row])..<Int(tokens[row]) + 1).values)
        }
        let gradient = bench.tensor(Shape(4, columns), filledWith: 1)
        bench.kernels.embeddingBackward(x, tokens, into: gradient)
        let expected = (0..<4 * columns).map { index in
            1
                + (0..<6).reduce(0) { sum, row in
                    Int(tokens[row]) == index / columns ? sum + xv[row * columns + index % columns] : sum
                }
        }
        expect(gradient, near: expected, "embedding backward")
    }

    @Test("Adam takes torch.optim.Adam's steps, and clears the gradient", arguments: levels)
    func adam(level: SIMDLevel) throws {
        let bench = try Bench(level)
        let n = 21
        let w = bench.tensor(Shape(n))
        let (m, v) = (bench.tensor(Shape(n), filledWith: 0), bench.tensor(Shape(n), filledWith: 0))
        var (we, me, ve) = (doubles(w), [Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
        for step in 1...5 {
            let g = bench.tensor(Shape(n))
            let gv = doubles(g)
            for i in 0..<n {
                me[i] = 0.9 * me[i] + 0.1 * gv[i]
                ve[i] = 0.999 * ve[i] + 0.001 * gv[i] * gv[i]
                let (c1, c2) = (1 - pow(0.9, Double(step)), 1 - pow(0.999, Double(step)))
                we[i] -= 0.01 * (me[i] / c1) / ((ve[i] / c2).squareRoot() + 1e-8)
            }
            bench.kernels.adam(w, g, m, v, AdamStep(step: step, rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
            #expect(g.values == Array(repeating: 0, count: n))
        }
        expect(w, near: we, within: 1e-6, "weights")
        let g = bench.tensor(Shape(n), filledWith: 2)
        bench.kernels.sgd(w, g, rate: 0.5)
        expect(w, near: we.map { $0 - 1 }, within: 1e-6, "sgd")
        #expect(g.values == Array(repeating: 0, count: n))
    }

    @Test("factors that do not fit trap") func misfit() async {
        await #expect(processExitsWith: .failure) {
            let bench = try Bench(.portable)
            let a = bench.tensor(Shape(2, 3))
            bench.kernels.multiply(a.matrix, a.matrix, into: a.matrix)
        }
    }
}
