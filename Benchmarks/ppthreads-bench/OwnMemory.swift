// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// What a tensor that is a message holds: its number, in every element. With a receiver's memory for sums.
struct TensorContent {
    let shape: Shape
    private let memory: Segment
    private let kernels: Kernels
    private let sums: Tensor

    init(_ shape: Shape) {
        self.shape = shape
        var layout = SegmentLayout()
        let workspace = layout.reserve(Kernels.workspaceShape())
        let row = layout.reserve(Shape(shape.columns))
        memory = ownMemory(layout)
        kernels = Kernels(level: .best, workspace: memory.tensor(workspace, Kernels.workspaceShape()))
        sums = memory.tensor(row, Shape(shape.columns))
    }

    func write(_ number: Int, to tensor: Tensor) { tensor.fill(Float(number % 8)) }

    func check(_ number: Int, _ tensor: Tensor) {
        sums.fill(0)
        kernels.addColumnSums(tensor.matrix, to: sums)
        // Sums of small whole numbers: exact.
        let expected = Float(number % 8 * shape.rows)
        precondition(sums[0] == expected && sums[sums.count - 1] == expected, "a message arrived changed")
    }
}

/// What a stage does to the caches between two hand-offs: it goes over 1.5 MiB of its own, and writes half of them.
///
/// A class, so that a loop of a hundred nanoseconds carries one reference and not all of this.
final class StageWork {
    private static let half = Shape(196_608)
    private let memory: Segment
    private let kernels: Kernels
    private let written: Tensor
    private let read: Tensor

    init() {
        var layout = SegmentLayout()
        let workspace = layout.reserve(Kernels.workspaceShape())
        let halves = [layout.reserve(Self.half), layout.reserve(Self.half)]
        memory = ownMemory(layout)
        kernels = Kernels(level: .best, workspace: memory.tensor(workspace, Kernels.workspaceShape()))
        written = memory.tensor(halves[0], Self.half)
        read = memory.tensor(halves[1], Self.half)
        // Pages that nobody wrote would all be the system's one page of zeros.
        written.fill(0)
        read.fill(1)
    }

    /// Returns the nanoseconds that it took.
    func run() -> UInt64 {
        let start = Clock.now()
        kernels.add(written, read, into: written)
        return Clock.now() - start
    }
}

/// Memory of one side alone, mapped by the side itself.
func ownMemory(_ layout: SegmentLayout) -> Segment {
    guard let memory = try? Segment(bytes: layout.bytes, backing: .privateMemory) else {
        preconditionFailure("no memory for a side of a benchmark")
    }
    return memory
}
