// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The naive twins of the kernels, in double precision: what each must compute, as plainly as can be said.
enum Reference {
    typealias Vector = [Double]

    /// c[i, j] = sum over p of a(i, p) b(p, j) + bias[j] (+ what c held)
    static func multiply(
        m: Int, n: Int, k: Int, a: (Int, Int) -> Double, b: (Int, Int) -> Double, bias: Vector?,
        old: Vector?
    ) -> Vector {
        (0..<m * n).map { index in
            let (i, j) = (index / n, index % n)
            let sum = (0..<k).reduce(0.0) { $0 + a(i, $1) * b($1, j) }
            return sum + (bias?[j] ?? 0) + (old?[index] ?? 0)
        }
    }

    static func gelu(_ x: Double) -> Double {
        0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }

    static func geluSlope(_ x: Double) -> Double {
        let c = (2 / Double.pi).squareRoot()
        let t = tanh(c * (x + 0.044715 * x * x * x))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)
    }

    static func moments(_ row: Vector, epsilon: Double) -> (mean: Double, rstd: Double) {
        let mean = row.reduce(0, +) / Double(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        return (mean, 1 / (variance + epsilon).squareRoot())
    }

    static func layerNorm(_ row: Vector, gamma: Vector, beta: Vector, epsilon: Double) -> Vector {
        let (mean, rstd) = moments(row, epsilon: epsilon)
        return row.indices.map { (row[$0] - mean) * rstd * gamma[$0] + beta[$0] }
    }

    static func layerNormBackward(_ dy: Vector, row: Vector, gamma: Vector, epsilon: Double) -> Vector {
        let (mean, rstd) = moments(row, epsilon: epsilon)
        let n = Double(row.count)
        let normal = row.map { ($0 - mean) * rstd }
        let g = row.indices.map { dy[$0] * gamma[$0] }
        let sum = g.reduce(0, +) / n
        let dot = zip(g, normal).reduce(0) { $0 + $1.0 * $1.1 } / n
        return row.indices.map { rstd * (g[$0] - sum - normal[$0] * dot) }
    }

    static func softmax(_ row: Vector) -> Vector {
        let most = row.max()!
        let exponentials = row.map { exp($0 - most) }
        let total = exponentials.reduce(0, +)
        return exponentials.map { $0 / total }
    }
}
