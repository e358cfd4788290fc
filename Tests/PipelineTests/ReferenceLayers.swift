// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import SharedTensor

/// The naive twins of the models' layers, forward, in double: what each must compute, as plainly as can be said.
///
/// It reads its weights from a probe of the fast layer. What dropout multiplies by it takes from `mask`.
struct ReferenceLayers {
    typealias Rows = [[Double]]

    let probe: LayerProbe
    let batch: BatchShape
    let heads: Int
    /// For a site's name and a number of elements, 0 where one is dropped, else 1 / (1 - rate).
    let mask: (String, Int) throws -> [Double]

    var x: Rows { rows(probe.x) }

    func rows(_ tensor: Tensor) -> Rows {
        let columns = tensor.shape.columns
        let values = tensor.values.map(Double.init)
        return (0..<tensor.shape.rows).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
    }

    // MARK: Whole layers

    func decoderAttention(_ name: String) throws -> Rows {
        let mixed = try attention(
            x, x, weight("\(name).self_attn.in_proj_weight"), weight("\(name).self_attn.in_proj_bias")[0],
            isCausal: false, "\(name).self_attn.dropout")
        let out = linear(mixed, "\(name).self_attn.out_proj")
        let middle = norm(sum(x, try dropped(out, "\(name).dropout1")), "\(name).norm1")
        let crossed = try attention(
            middle, x, weight("\(name).multihead_attn.in_proj_weight"),
            weight("\(name).multihead_attn.in_proj_bias")[0], isCausal: false, "\(name).multihead_attn.dropout")
        let crossOut = linear(crossed, "\(name).multihead_attn.out_proj")
        return norm(sum(middle, try dropped(crossOut, "\(name).dropout2")), "\(name).norm2")
    }

    func decoderFeedForward(_ name: String) throws -> Rows {
        let active = linear(x, "\(name).linear1").map { $0.map { max($0, 0) } }
        let out = linear(try dropped(active, "\(name).dropout"), "\(name).linear2")
        return norm(sum(x, try dropped(out, "\(name).dropout3")), "\(name).norm3")
    }

    func gptAttention(_ name: String) throws -> Rows {
        let normed = norm(x, "\(name).ln_1")
        let mixed = try attention(
            normed, normed, weight("\(name).attn.c_attn.weight"), weight("\(name).attn.c_attn.bias")[0],
            isCausal: true, "\(name).attn.attn_dropout")
        return sum(x, try dropped(linear(mixed, "\(name).attn.c_proj"), "\(name).attn.resid_dropout"))
    }

    func gptFeedForward(_ name: String) throws -> Rows {
        let inactive = linear(norm(x, "\(name).ln_2"), "\(name).mlp.c_fc")
        let active = inactive.map { row in
            row.map { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
        }
        return sum(x, try dropped(linear(active, "\(name).mlp.c_proj"), "\(name).mlp.dropout"))
    }

    func embedding(_ tokens: String, _ positions: String, _ site: String) throws -> Rows {
        let (table, places) = (weight("\(tokens).weight"), weight("\(positions).weight"))
        let all = (0..<batch.tokens).map { token in
            zip(table[Int(probe.tokens[token])], places[token % batch.sequenceLength]).map { $0 + $1 }
        }
        return try dropped(all, site)
    }

    // MARK: Parts

    /// Before the output projection. The weight's rows are the query's, the key's, the value's.
    private func attention(
        _ x: Rows, _ memory: Rows, _ weight: Rows, _ bias: [Double], isCausal: Bool, _ site: String
    ) throws -> Rows {
        let (dim, length) = (x[0].count, batch.sequenceLength)
        let (q, k, v) = (
            linear(x, Array(weight[0..<dim]), Array(bias[0..<dim])),
            linear(memory, Array(weight[dim..<2 * dim]), Array(bias[dim..<2 * dim])),
            linear(memory, Array(weight[2 * dim..<3 * dim]), Array(bias[2 * dim..<3 * dim]))
        )
        let factors = try mask(site, batch.sequences * heads * length * length)
        let width = dim / heads
        return (0..<batch.tokens).map { token in
            let (sequence, row) = (token / length, token % length)
            return (0..<dim).map { column in
                let head = column / width
                let columns = head * width..<(head + 1) * width
                let seen = 0..<(isCausal ? row + 1 : length)
                let scores = seen.map { key in
                    let product = columns.reduce(0) { $0 + q[token][$1] * k[sequence * length + key][$1] }
                    return product / Double(width).squareRoot()
                }
                let exponentials = scores.map { exp($0 - scores.max()!) }
                let total = exponentials.reduce(0, +)
                return seen.reduce(0) { sum, key in
                    let factor = factors[((sequence * heads + head) * length + row) * length + key]
                    return sum + factor * exponentials[key] / total * v[sequence * length + key][column]
                }
            }
        }
    }

    private func weight(_ name: String) -> Rows {
        rows(probe.weight(probe.parameters.first { $0.name == name }!))
    }

    private func linear(_ x: Rows, _ name: String) -> Rows {
        linear(x, weight("\(name).weight"), weight("\(name).bias")[0])
    }

    private func linear(_ x: Rows, _ weight: Rows, _ bias: [Double]) -> Rows {
        x.map { row in zip(weight, bias).map { w, b in zip(row, w).reduce(b) { $0 + $1.0 * $1.1 } } }
    }

    private func norm(_ x: Rows, _ name: String) -> Rows {
        let (gamma, beta) = (weight("\(name).weight")[0], weight("\(name).bias")[0])
        return x.map { row in
            let mean = row.reduce(0, +) / Double(row.count)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
            return row.indices.map { (row[$0] - mean) / (variance + 1e-5).squareRoot() * gamma[$0] + beta[$0] }
        }
    }

    private func sum(_ a: Rows, _ b: Rows) -> Rows { zip(a, b).map { zip($0, $1).map { $0 + $1 } } }

    private func dropped(_ x: Rows, _ site: String) throws -> Rows {
        let factors = try mask(site, x.count * x[0].count)
        return x.enumerated().map { row, values in
            values.enumerated().map { $1 * factors[row * values.count + $0] }
        }
    }
}
