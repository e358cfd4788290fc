// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline
import SharedTensor
import Threads

/// The three products of a linear layer, y = x w^T, dx = dy w and dw += dy^T x, on one core: as a share of what the core
/// can do, and against OpenBLAS when the system has it.
struct KernelBenchmark {
    private let effort: Effort
    private let openBLAS = try? BLASLibrary(anyOf: BLASLibrary.openBLASNames)

    init(_ effort: Effort) { self.effort = effort }

    private struct LayerShape {
        let tokens: Int
        let inputs: Int
        let outputs: Int
    }

    /// Both architectures' layers at the reference sizes with 128 tokens (M = 4), those of a model with dim 768 and 512
    /// tokens, and a large square.
    private static let shapes = [
        LayerShape(tokens: 128, inputs: 240, outputs: 240), LayerShape(tokens: 128, inputs: 240, outputs: 480),
        LayerShape(tokens: 128, inputs: 240, outputs: 720), LayerShape(tokens: 128, inputs: 240, outputs: 2048),
        LayerShape(tokens: 128, inputs: 2048, outputs: 240), LayerShape(tokens: 128, inputs: 240, outputs: 10000),
        LayerShape(tokens: 512, inputs: 768, outputs: 768), LayerShape(tokens: 512, inputs: 768, outputs: 3072),
        LayerShape(tokens: 512, inputs: 3072, outputs: 768), LayerShape(tokens: 1024, inputs: 1024, outputs: 1024),
    ]

    private static let smallShapes = [
        LayerShape(tokens: 16, inputs: 24, outputs: 40), LayerShape(tokens: 7, inputs: 33, outputs: 5),
    ]

    func run() throws(BenchmarkError) {
        let library = openBLAS.map { "\($0.path)" } ?? "not found"
        print("\(SIMDLevel.best.rawValue) kernels, weights in panels; OpenBLAS: \(library)")
        print("GFLOP/s, median of \(effort.rounds) rounds; ratios within a round, with quartiles\n")
        var ratios: [Double] = []
        for shape in effort.isShort ? Self.smallShapes : Self.shapes {
            let operands = try LayerOperands(shape.tokens, shape.inputs, shape.outputs)
            for product in LayerOperands.Product.allCases {
                let alternation = try measure(operands, product)
                print("\(shape.tokens) tokens, \(shape.inputs) to \(shape.outputs), \(product.rawValue)")
                print(alternation.table)
                if openBLAS != nil {
                    let ratio = alternation.ratio(1, over: 2)
                    print("ours over OpenBLAS  x\(ratio.withQuartiles)")
                    ratios.append(ratio.median)
                }
            }
            print("checksum \(operands.checksum)\n")
        }
        if !ratios.isEmpty {
            let mean = exp(ratios.reduce(0) { $0 + log($1) } / Double(ratios.count))
            print(
                "ours over OpenBLAS, geometric mean of \(ratios.count) products: x\(mean.short); "
                    + "lowest x\(ratios.min()!.short)")
        }
    }

    private func measure(_ operands: LayerOperands, _ product: LayerOperands.Product) throws(BenchmarkError)
        -> Alternation
    {
        let seconds = effort.isShort ? 0.0005 : 0.05
        var candidates = [
            Alternation.Candidate(name: "peak", measure: { () throws(BenchmarkError) in operands.peak(seconds) }),
            Alternation.Candidate(
                name: "ours", measure: { () throws(BenchmarkError) in operands.rate(product, blas: nil, seconds) }),
        ]
        if let openBLAS {
            candidates.append(
                Alternation.Candidate(
                    name: "OpenBLAS",
                    measure: { () throws(BenchmarkError) in operands.rate(product, blas: openBLAS, seconds) }))
        }
        return try Alternation(candidates, rounds: effort.rounds, unit: "GFLOP/s")
    }
}
