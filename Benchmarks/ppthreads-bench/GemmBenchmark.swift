import Pipeline
import SharedTensor
import Threads

/// The three products of a linear layer, y = x w^T, dx = dy w and dw += dy^T x, on one core.
struct GemmBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    /// A linear layer of the reference workload with 128 tokens, M = 4.
    private struct LayerShape {
        let inputs: Int
        let outputs: Int
        let tokens = 128
    }

    private static let shapes = [
        LayerShape(inputs: 240, outputs: 240), LayerShape(inputs: 240, outputs: 720),
        LayerShape(inputs: 240, outputs: 2048), LayerShape(inputs: 2048, outputs: 240),
        LayerShape(inputs: 240, outputs: 10000),
    ]

    func run() throws(BenchmarkError) {
        let levels = SIMDLevel.allCases.filter(\.isSupported).reversed()
        for shape in Self.shapes {
            let bench = try GemmOperands(shape.tokens, shape.inputs, shape.outputs)
            for product in GemmOperands.Product.allCases {
                let candidates = levels.map { level in
                    Alternation.Candidate(name: level.rawValue) { () throws(BenchmarkError) in
                        bench.gigaFLOPsPerSecond(product, level, seconds: effort.isShort ? 0.001 : 0.05)
                    }
                }
                let alternation = try Alternation(candidates, rounds: effort.rounds, unit: "GFLOP/s")
                print("\(product.rawValue), \(shape.tokens) tokens, \(shape.inputs) to \(shape.outputs)")
                print(alternation.table)
            }
            print("checksum \(bench.checksum)\n")
        }
    }
}

/// A linear layer's tensors, filled with fixed numbers.
private struct GemmOperands {
    enum Product: String, CaseIterable {
        case forward = "y = x w^T"
        case backwardInput = "dx = dy w"
        case backwardWeights = "dw += dy^T x"
    }

    private let segment: Segment
    private let x, w, y, dx, dw, workspace: Tensor

    init(_ tokens: Int, _ inputs: Int, _ outputs: Int) throws(BenchmarkError) {
        var layout = SegmentLayout()
        let shapes = [
            Shape(tokens, inputs), Shape(outputs, inputs), Shape(tokens, outputs), Shape(tokens, inputs),
            Shape(outputs, inputs), Kernels.workspaceShape,
        ]
        let regions = shapes.map { layout.reserve($0) }
        do throws(SegmentError) {
            segment = try Segment(bytes: layout.bytes, backing: .privateMemory)
        } catch {
            throw .failed(error.description)
        }
        let tensors = zip(regions, shapes).map { [segment] in segment.tensor($0, $1) }
        (x, w, y, dx, dw, workspace) = (tensors[0], tensors[1], tensors[2], tensors[3], tensors[4], tensors[5])
        for tensor in [x, w] {
            for index in 0..<tensor.count { tensor[index] = Float(index * index % 17 - 8) / 8 }
        }
    }

    /// Of y, a sum of small numbers over 64 with few bits: the same at every level and on every machine.
    var checksum: Double { y.values.reduce(0) { $0 + Double($1) } }

    /// Repeats a product for a while. The first repetition is not counted.
    func gigaFLOPsPerSecond(_ product: Product, _ level: SIMDLevel, seconds: Double) -> Double {
        let kernels = Kernels(level: level, workspace: workspace)
        multiply(product, kernels)
        let start = Clock.now()
        var repetitions = 0
        var elapsed = 0.0
        while elapsed < seconds {
            multiply(product, kernels)
            repetitions += 1
            elapsed = Double(Clock.now() - start) / 1e9
        }
        let operations = 2 * Double(x.shape.rows) * Double(x.shape.columns) * Double(y.shape.columns)
        return operations * Double(repetitions) / elapsed / 1e9
    }

    private func multiply(_ product: Product, _ kernels: Kernels) {
        switch product {
        case .forward: kernels.multiply(x.matrix, w.matrix.transposed, into: y.matrix)
        case .backwardInput: kernels.multiply(y.matrix, w.matrix, into: dx.matrix)
        case .backwardWeights: kernels.multiply(y.matrix.transposed, x.matrix, into: dw.matrix, accumulating: true)
        }
    }
}
