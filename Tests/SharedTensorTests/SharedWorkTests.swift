// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Testing
import Threads

struct SharedWorkTests {
    private static let levels = SIMDLevel.allCases.filter(\.isSupported)

    /// The results of every kernel that members share, from the same inputs.
    private func results(_ level: SIMDLevel, _ team: Team) throws -> [(String, [UInt32])] {
        let bench = try Bench(level, team: team)
        let kernels = bench.kernels
        var results: [(String, [UInt32])] = []
        func note(_ name: String, _ tensors: Tensor...) {
            results.append((name, tensors.flatMap(\.values).map(\.bitPattern)))
        }
        // The last has more steps than a run of several, and fewer than make several.
        for (m, n, k) in [(1, 1, 1), (5, 200, 300), (128, 40, 33), (130, 240, 20), (31, 95, 7), (70, 90, 250)] {
            let (a, b) = (bench.tensor(Shape(m, k)), bench.tensor(Shape(n, k)))
            let (bias, gate) = (bench.tensor(Shape(n)), bench.tensor(Shape(m, n)))
            let (plain, gated) = (bench.tensor(Shape(m, n)), bench.tensor(Shape(m, n)))
            let (packed, down) = (bench.tensor(Shape(m, n)), bench.tensor(Shape(k, n)))
            func panels(_ rows: Int, _ columns: Int) -> (Tensor, PackedMatrix) {
                let storage = bench.tensor(PackedMatrix.storageShape(rows: rows, columns: columns), filledWith: 0)
                return (storage, PackedMatrix(rows: rows, columns: columns, storage: storage))
            }
            let (_, factor) = panels(k, n)
            let (transpose, packedTranspose) = panels(n, k)
            let (across, packedAcross) = panels(k, n)
            let (onTheWay, packedOnTheWay) = panels(n, k)
            kernels.pack(b.matrix.transposed, into: factor)
            kernels.multiply(a.matrix, b.matrix.transposed, into: plain.matrix, bias: bias, ending: .rectified)
            kernels.multiply(
                a.matrix, factor, into: packed.matrix, bias: bias, accumulating: true, packing: packedOnTheWay)
            kernels.multiply(a.matrix, factor, into: gated.matrix, ending: .gated(gate.matrix))
            kernels.multiply(a.matrix.transposed, gate.matrix, into: down.matrix, accumulating: true)
            kernels.multiply(
                a.matrix.transposed, gate.matrix, into: packedAcross, accumulating: true, columnSums: bias)
            kernels.pack(transposeOf: factor, into: packedTranspose)
            note("products \(m) \(n) \(k)", plain, packed, gated, down)
            note("panels \(m) \(n) \(k)", across, transpose, onTheWay, bias)
        }
        for (rows, columns) in [(1, 1), (3, 50), (37, 129)] {
            let (x, dy, y) = (
                bench.tensor(Shape(rows, columns)), bench.tensor(Shape(rows, columns)),
                bench.tensor(Shape(rows, columns))
            )
            kernels.add(x, dy, into: y)
            note("add", y)
            kernels.relu(x, into: y)
            note("relu", y)
            kernels.reluBackward(dy, output: x, into: y)
            note("relu backward", y)
            kernels.dropout(x, DropoutMask(rate: 0.5, key: 7, microbatch: 0, step: 0, firstElement: 5), into: y)
            note("dropout", y)
            kernels.gelu(x, into: y)
            note("gelu", y)
            kernels.geluBackward(dy, input: x, into: y)
            note("gelu backward", y)
            let (gamma, beta) = (bench.tensor(Shape(columns)), bench.tensor(Shape(columns)))
            let (mean, rstd) = (bench.tensor(Shape(rows)), bench.tensor(Shape(rows)))
            kernels.layerNorm(x, gamma: gamma, beta: beta, epsilon: 1e-5, into: y, mean: mean, rstd: rstd)
            note("layer norm", y, mean, rstd)
            kernels.layerNormBackwardInput(dy, input: x, gamma: gamma, mean: mean, rstd: rstd, into: y)
            note("layer norm backward", y)
            kernels.layerNormBackwardWeights(dy, input: x, mean: mean, rstd: rstd, dgamma: gamma, dbeta: beta)
            note("layer norm weights", gamma, beta)
            kernels.addColumnSums(x.matrix, to: beta)
            note("column sums", beta)
            let (m, v) = (
                bench.tensor(Shape(rows, columns), filledWith: 0), bench.tensor(Shape(rows, columns), filledWith: 1)
            )
            kernels.adam(x, dy, m, v, AdamStep(step: 1, rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
            note("adam", x, dy, m, v)
            kernels.sgd(x, y, rate: 0.1)
            note("sgd", x, y)
            let targets = bench.tokens(rows, below: Int32(columns))
            let losses = bench.tensor(Shape(rows, 2))
            let loss = kernels.crossEntropy(x, targets: targets, scale: 0.5, rowLosses: losses)
            note("cross-entropy", x)
            results.append(("loss", [UInt32(truncatingIfNeeded: loss.bitPattern), UInt32(loss.bitPattern >> 32)]))
        }
        return results
    }

    @Test("the number of members changes no bit of any kernel", arguments: levels, [2, 3, 5])
    func members(level: SIMDLevel, members: Int) throws {
        let alone = try Team(name: "alone", helperCPUs: [], patience: .sharedCPU)
        let team = try Team(
            name: "team", helperCPUs: Array(repeating: nil, count: members - 1), patience: .sharedCPU)
        defer {
            alone.end()
            team.end()
        }
        for (expected, result) in zip(try results(level, alone), try results(level, team)) {
            let isSame = expected.1 == result.1
            #expect(isSame, "\(expected.0)")
        }
    }

    @Test("each member packs into a buffer of its own", arguments: levels, 0..<3)
    func ownBuffers(level: SIMDLevel, member: Int) throws {
        let team = try Team(name: "team", helperCPUs: [nil, nil], patience: .sharedCPU)
        defer { team.end() }
        let bench = try Bench(level, team: team)
        let (a, b) = (bench.tensor(Shape(90, 60)), bench.tensor(Shape(90, 70)))
        bench.workspace.fill(-7)
        bench.kernels.ofMember(member).multiply(
            a.matrix.transposed, b.matrix, into: bench.tensor(Shape(60, 70)).matrix)
        let isWritten = (0..<3).map { bench.workspace.rows($0..<$0 + 1).values.contains { $0 != -7 } }
        #expect(isWritten == (0..<3).map { $0 == member })
    }

    /// Counts how often each thing is done.
    private struct Count: SharedWork {
        let kernels: Kernels
        let count: Int
        let grain: Int
        let times: Tensor

        func run(_ part: Range<Int>, _ kernels: Kernels) {
            for index in part { times[index] += Float(kernels.members) }
        }
    }

    @Test("everything is done once, by kernels of one member alone", arguments: [1, 2, 7, 64, 100], [1, 16, 32])
    func onceEach(count: Int, grain: Int) throws {
        let team = try Team(name: "team", helperCPUs: [nil, nil], patience: .sharedCPU)
        defer { team.end() }
        let bench = try Bench(.portable, team: team)
        let times = bench.tensor(Shape(count), filledWith: 0)
        bench.kernels.share(Count(kernels: bench.kernels, count: count, grain: grain, times: times))
        #expect(times.values == Array(repeating: 1, count: count))
    }
}
