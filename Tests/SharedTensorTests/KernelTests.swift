// SPDX-License-Identifier: Apache-2.0

import Foundation
import SharedTensor
import Testing

struct KernelTests {
    private static let levels = SIMDLevel.allCases.filter(\.isSupported)
    private static let sizes = [1, 2, 3, 7, 15, 16, 17, 31, 33, 64, 100, 129]

    @Test("every level that this CPU runs is found, and the best is one of them") func supportedLevels() {
        #expect(SIMDLevel.portable.isSupported)
        #expect(SIMDLevel.best.isSupported)
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

    @Test("relu keeps what is no number, so that a run that diverged shows it", arguments: levels)
    func reluOfNaN(level: SIMDLevel) throws {
        let bench = try Bench(level)
        let inputs: [Float] = [.nan, -1, 2, -.nan, 3, .nan, -.infinity, .infinity, 0, .nan]
        let (x, y) = (bench.tensor(Shape(inputs.count)), bench.tensor(Shape(inputs.count)))
        for (index, value) in inputs.enumerated() { x[index] = value }
        bench.kernels.relu(x, into: y)
        for (index, value) in inputs.enumerated() {
            #expect(value.isNaN ? y[index].isNaN : y[index] == max(value, 0), "\(value)")
        }
    }

    @Test("gelu's slope is right far out, on both sides", arguments: levels) func geluSlopes(level: SIMDLevel) throws {
        let bench = try Bench(level)
        let values: [Float] = [-1e30, -1e4, -50, -9.9, -5, -3.5, -3, 3, 3.5, 5, 50, 1e4, 1e30]
        let (x, slope) = (bench.tensor(Shape(values.count)), bench.tensor(Shape(values.count)))
        let one = bench.tensor(Shape(values.count), filledWith: 1)
        for (index, value) in values.enumerated() { x[index] = value }
        bench.kernels.geluBackward(one, input: x, into: slope)
        for (index, value) in values.enumerated() {
            // Beyond 20 it is 0 or 1 as far as a Double tells.
            let expected = abs(value) > 20 ? (value < 0 ? 0 : 1) : Reference.geluSlope(Double(value))
            #expect(abs(Double(slope[index]) - expected) <= 1e-5, "\(value)")
        }
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
}
