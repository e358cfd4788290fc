// SPDX-License-Identifier: Apache-2.0

import Foundation
import SharedTensor
import Testing

/// Every kernel on rows that end between two vectors, with NaN on both sides of them: none of it may get in, and all of it
/// has to be there afterwards.
struct TailTests {
    private static let levels = SIMDLevel.allCases.filter(\.isSupported)
    private static let sizes = [1, 2, 3, 5, 7, 8, 9, 13, 15, 16, 17, 23, 31, 33, 47, 49, 63, 65, 97]

    /// Some elements of a row in the midst of others.
    private struct Inner {
        static let margin = 19
        let all: Tensor
        let own: Tensor

        init(_ bench: Bench, _ values: [Float]) {
            all = bench.tensor(Shape(values.count + 2 * Self.margin), filledWith: .nan)
            own = all.elements(Self.margin..<Self.margin + values.count)
            own.fill { values[$0] }
        }

        var isTouchedBeside: Bool {
            let values = all.values
            return !(values.prefix(Self.margin) + values.suffix(Self.margin)).allSatisfy { $0.isNaN }
        }
    }

    private final class Tails {
        let bench: Bench
        private let count: Int
        private let label: String
        private var inners: [Inner] = []

        init(_ level: SIMDLevel, _ count: Int) throws {
            bench = try Bench(level, seed: UInt64(count))
            (self.count, label) = (count, "\(level) \(count)")
        }

        func tensor(_ count: Int? = nil, _ value: Float? = nil) -> Tensor {
            let values = value.map { Array(repeating: $0, count: count ?? self.count) }
            let inner = Inner(bench, values ?? bench.tensor(Shape(count ?? self.count)).values)
            inners.append(inner)
            return inner.own
        }

        func expect(_ tensor: Tensor, near expected: [Double], within tolerance: Double = 2e-6, _ name: String) {
            SharedTensorTests.expect(tensor, near: expected, within: tolerance, "\(name) \(label)")
            for inner in inners where inner.isTouchedBeside {
                Issue.record("\(name) \(label) writes beside its elements")
                return
            }
        }
    }

    @Test("elementwise kernels", arguments: levels, sizes) func elementwise(level: SIMDLevel, n: Int) throws {
        let tails = try Tails(level, n)
        let kernels = tails.bench.kernels
        let (x, dy, out) = (tails.tensor(), tails.tensor(), tails.tensor(nil, .nan))
        let (xv, dv) = (doubles(x), doubles(dy))
        kernels.add(x, dy, into: out)
        tails.expect(out, near: zip(xv, dv).map(+), "add")
        kernels.relu(x, into: out)
        tails.expect(out, near: xv.map { max($0, 0) }, within: 0, "relu")
        kernels.reluBackward(dy, output: out, into: out)
        tails.expect(out, near: zip(xv, dv).map { $0 > 0 ? $1 : 0 }, within: 0, "relu backward")
        kernels.gelu(x, into: out)
        tails.expect(out, near: xv.map(Reference.gelu), "gelu")
        kernels.geluBackward(dy, input: x, into: out)
        tails.expect(out, near: zip(xv, dv).map { $1 * Reference.geluSlope($0) }, "gelu backward")
        kernels.dropout(x, DropoutMask(rate: 0.5, key: 7, microbatch: 1, step: 2, firstElement: 3), into: out)
        let kept = out.values.map { $0 != 0 }
        tails.expect(out, near: zip(xv, kept).map { $1 ? 2 * $0 : 0 }, within: 0, "dropout")
        if n > 30 { #expect(kept.contains(true) && kept.contains(false)) }
    }

    @Test("optimizers", arguments: levels, sizes) func optimizers(level: SIMDLevel, n: Int) throws {
        let tails = try Tails(level, n)
        let (w, g) = (tails.tensor(), tails.tensor())
        let (m, v) = (tails.tensor(nil, 0), tails.tensor(nil, 0))
        let (wv, gv) = (doubles(w), doubles(g))
        // At the first step Adam goes by the rate in the gradient's direction.
        tails.bench.kernels.adam(
            w, g, m, v, AdamStep(step: 1, rate: 0.25, beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
        tails.expect(w, near: zip(wv, gv).map { $0 - 0.25 * ($1 > 0 ? 1 : -1) }, within: 1e-5, "adam")
        tails.expect(m, near: gv.map { 0.1 * $0 }, "adam's first moment")
        tails.expect(v, near: gv.map { 0.001 * $0 * $0 }, "adam's second moment")
        tails.expect(g, near: gv.map { _ in 0 }, within: 0, "adam's gradient")
        g.fill { Float(gv[$0]) }
        let before = doubles(w)
        tails.bench.kernels.sgd(w, g, rate: 0.5)
        tails.expect(w, near: zip(before, gv).map { $0 - 0.5 * $1 }, "sgd")
    }

    @Test("norms, sums and the loss", arguments: levels, sizes.dropFirst()) func rows(level: SIMDLevel, n: Int) throws {
        let tails = try Tails(level, n)
        let kernels = tails.bench.kernels
        let (x, dy, y) = (tails.tensor(), tails.tensor(), tails.tensor(nil, .nan))
        let (gamma, beta) = (tails.tensor(), tails.tensor())
        let (mean, rstd) = (tails.tensor(1, .nan), tails.tensor(1, .nan))
        let (xv, dv, gv, bv) = (doubles(x), doubles(dy), doubles(gamma), doubles(beta))
        func row(_ tensor: Tensor) -> Tensor { tensor.reshaped(Shape(1, n)) }
        kernels.layerNorm(row(x), gamma: gamma, beta: beta, epsilon: 1e-5, into: row(y), mean: mean, rstd: rstd)
        tails.expect(
            y, near: Reference.layerNorm(xv, gamma: gv, beta: bv, epsilon: 1e-5), within: 2e-5, "layer norm")
        kernels.layerNormBackwardInput(row(dy), input: row(x), gamma: gamma, mean: mean, rstd: rstd, into: row(y))
        tails.expect(
            y, near: Reference.layerNormBackward(dv, row: xv, gamma: gv, epsilon: 1e-5), within: 2e-4,
            "layer norm backward")
        kernels.layerNormBackwardWeights(
            row(dy), input: row(x), mean: mean, rstd: rstd, dgamma: gamma, dbeta: beta)
        tails.expect(beta, near: zip(bv, dv).map(+), "beta")
        let moments = Reference.moments(xv, epsilon: 1e-5)
        tails.expect(
            gamma, near: (0..<n).map { gv[$0] + dv[$0] * (xv[$0] - moments.mean) * moments.rstd }, within: 2e-5, "gamma"
        )
        let sums = tails.tensor()
        let before = doubles(sums)
        kernels.addColumnSums(row(x).matrix, to: sums)
        tails.expect(sums, near: zip(before, xv).map(+), "column sums")

        let targets = tails.bench.tokens(1, below: Int32(n))
        let p = Reference.softmax(xv)
        let loss = kernels.crossEntropy(
            row(x), targets: targets, scale: 0.5, rowLosses: tails.bench.tensor(Shape(1, 2)))
        #expect(abs(loss + log(p[Int(targets[0])])) < 1e-5)
        tails.expect(x, near: (0..<n).map { 0.5 * (p[$0] - ($0 == Int(targets[0]) ? 1 : 0)) }, "cross-entropy")
    }

    @Test(
        "softmax of scores far from 0 and from each other, with a scale of either sign, in rows that others lie between",
        arguments: levels,
        sizes)
    func softmax(level: SIMDLevel, n: Int) throws {
        let rows = 3
        for (offset, spread, scale, isCausal) in [
            (-1000, 4, 1, false), (-1000, 4, 0.7, true), (1000, 4, -0.7, false), (-1000, 4, -0.7, false),
            (0, 4, -1, true), (90, 4, 1, false), (0, 120, -1, false), (0, 120, 1, true),
        ] as [(Float, Float, Float, Bool)] {
            let label = "softmax \(level) \(n): around \(offset), within \(spread), scale \(scale)"
            let bench = try Bench(level, seed: UInt64(n))
            // Columns of NaN behind each row's own.
            let all = bench.tensor(Shape(rows, n + 21), filledWith: .nan)
            let own = all.matrix.columns(0..<n)
            let scores = (0..<rows).map { _ in bench.tensor(Shape(n)).values.map { $0 * spread + offset } }
            for row in 0..<rows { all.rows(row..<row + 1).elements(0..<n).fill { scores[row][$0] } }
            let diagonal = isCausal ? n / 2 : nil
            let normalizers = bench.tensor(Shape(rows, 2))
            bench.kernels.softmax(own, scale: scale, diagonal: diagonal, normalizers: normalizers)
            let expected = (0..<rows).flatMap { row -> [Double] in
                let seen = diagonal.map { min($0 + row + 1, n) } ?? n
                let logits = scores[row].prefix(seen).map { Double(scale) * Double($0) }
                return Reference.softmax(Array(logits)) + Array(repeating: 0, count: n - seen)
            }
            let values = all.values
            let got = (0..<rows).flatMap { row in (0..<n).map { Double(values[row * (n + 21) + $0]) } }
            #expect(zip(got, expected).allSatisfy { abs($0 - $1) < 2e-5 }, "\(label)")
            for row in 0..<rows {
                #expect(
                    (n..<n + 21).allSatisfy { values[row * (n + 21) + $0].isNaN }, "\(label) writes beside its rows")
            }
        }
    }

    @Test("products into a part of a matrix, of every width and height up to two tiles", arguments: levels)
    func products(level: SIMDLevel) throws {
        for (m, n) in (1...26).map({ ($0, 5) }) + (1...98).map({ (5, $0) }) {
            let bench = try Bench(level, seed: UInt64(100 * m + n))
            let (a, b) = (bench.tensor(Shape(m, 3)), bench.tensor(Shape(3, n)))
            let c = bench.tensor(Shape(m + 2, n + 20), filledWith: .nan)
            bench.kernels.multiply(a.matrix, b.matrix, into: c.matrix.rows(1..<m + 1).columns(10..<n + 10))
            let (av, bv, cv) = (doubles(a), doubles(b), doubles(c))
            let wrong = (0..<(m + 2) * (n + 20)).count { index in
                let (i, j) = (index / (n + 20) - 1, index % (n + 20) - 10)
                guard (0..<m).contains(i) && (0..<n).contains(j) else { return !cv[index].isNaN }
                let sum = (0..<3).reduce(0.0) { $0 + av[i * 3 + $1] * bv[$1 * n + j] }
                return !(abs(cv[index] - sum) < 1e-4)
            }
            #expect(wrong == 0, "\(level) [\(m), \(n)]: \(wrong) elements")
        }
    }
}
