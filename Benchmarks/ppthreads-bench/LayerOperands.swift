// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// A linear layer's tensors, filled with fixed numbers, and its products, timed.
struct LayerOperands {
    enum Product: String, CaseIterable {
        case forward = "y = x w^T"
        case backwardInput = "dx = dy w"
        case backwardWeights = "dw += dy^T x"
    }

    private let segment: Segment
    private let x, w, y, dx, dw, workspace: Tensor
    /// Of the transposes of w and dw, and of w itself: what a run's layers keep.
    private let packedForward, packedGradient, packedBackward: PackedMatrix

    init(_ tokens: Int, _ inputs: Int, _ outputs: Int) throws(BenchmarkError) {
        var layout = SegmentLayout()
        let shapes = [
            Shape(tokens, inputs), Shape(outputs, inputs), Shape(tokens, outputs), Shape(tokens, inputs),
            Shape(outputs, inputs), Kernels.workspaceShape(),
            PackedMatrix.storageShape(rows: inputs, columns: outputs),
            PackedMatrix.storageShape(rows: inputs, columns: outputs),
            PackedMatrix.storageShape(rows: outputs, columns: inputs),
        ]
        let regions = shapes.map { layout.reserve($0) }
        do throws(SegmentError) {
            segment = try Segment(bytes: layout.bytes, backing: .privateMemory)
        } catch {
            throw .failed(error.description)
        }
        let tensors = zip(regions, shapes).map { [segment] in segment.tensor($0, $1) }
        (x, w, y, dx, dw, workspace) = (tensors[0], tensors[1], tensors[2], tensors[3], tensors[4], tensors[5])
        packedForward = PackedMatrix(rows: inputs, columns: outputs, storage: tensors[6])
        packedGradient = PackedMatrix(rows: inputs, columns: outputs, storage: tensors[7])
        packedBackward = PackedMatrix(rows: outputs, columns: inputs, storage: tensors[8])
        for tensor in [x, w] {
            for index in 0..<tensor.count { tensor[index] = Float(index * index % 17 - 8) / 8 }
        }
        let kernels = Kernels(level: .best, workspace: workspace)
        kernels.pack(w.matrix.transposed, into: packedForward)
        kernels.pack(transposeOf: packedForward, into: packedBackward)
    }

    /// Of y, a sum of small numbers over 64 with few bits: the same at every level and on every machine.
    var checksum: Double { y.values.reduce(0) { $0 + Double($1) } }

    /// What the core can do, in GFLOP/s.
    func peak(_ seconds: Double) -> Double {
        let kernels = Kernels(level: .best, workspace: workspace)
        var operations = 0.0
        var check: Float = 0
        return rate(seconds) {
            let work = kernels.peakWork(steps: 1000)
            operations = work.operations
            check += work.result
        } * operations + (check.isNaN ? .nan : 0)
    }

    /// A product repeated for a while, in GFLOP/s.
    func rate(_ product: Product, blas: BLASLibrary?, _ seconds: Double) -> Double {
        let kernels = Kernels(level: .best, blas: blas, workspace: workspace)
        let operations = 2 * Double(x.shape.rows) * Double(x.shape.columns) * Double(y.shape.columns)
        return operations * rate(seconds) { blas == nil ? multiply(product, kernels) : multiplyRows(product, kernels) }
    }

    /// Billions of times a second, the first time not counted.
    private func rate(_ seconds: Double, _ body: () -> Void) -> Double {
        body()
        let start = Clock.now()
        var repetitions = 0.0
        var elapsed = 0.0
        while elapsed < seconds {
            body()
            repetitions += 1
            elapsed = Double(Clock.now() - start) / 1e9
        }
        return repetitions / elapsed / 1e9
    }

    private func multiply(_ product: Product, _ kernels: Kernels) {
        switch product {
        case .forward: kernels.multiply(x.matrix, packedForward, into: y.matrix)
        case .backwardInput: kernels.multiply(y.matrix, packedBackward, into: dx.matrix)
        case .backwardWeights:
            kernels.multiply(x.matrix.transposed, y.matrix, into: packedGradient, accumulating: true)
        }
    }

    /// With w and dw row by row.
    private func multiplyRows(_ product: Product, _ kernels: Kernels) {
        switch product {
        case .forward: kernels.multiply(x.matrix, w.matrix.transposed, into: y.matrix)
        case .backwardInput: kernels.multiply(y.matrix, w.matrix, into: dx.matrix)
        case .backwardWeights: kernels.multiply(y.matrix.transposed, x.matrix, into: dw.matrix, accumulating: true)
        }
    }
}
