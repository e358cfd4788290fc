// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// How a parameter starts out when no checkpoint gives it.
public enum Initializer: Equatable, Sendable {
    case constant(Float)
    /// Uniform in ±bound.
    case uniform(Float)
    /// Normal with mean 0.
    case normal(Float)
}

/// A parameter's name (as in PyTorch's state_dict), shape, memory and start.
public struct ParameterSpec: Sendable {
    /// What checkpoints call it, such as `layers.0.norm1.weight`.
    public let name: String
    /// As PyTorch has it, however it is stored.
    public let shape: Shape
    /// What it holds before the first step, unless a checkpoint gives it.
    public let initializer: Initializer
    /// What it is stored as: all of its rows, in order.
    let parts: [StoredRows]
}

// Who is outside the step, a checkpoint or a test, sees a parameter whole, row by row.
extension ParameterSpec {
    /// Stores the values that `fill` writes.
    func store(in arena: Arena, _ kernels: Kernels, fill: (Tensor) -> Void) throws(SegmentError) {
        var layout = SegmentLayout()
        let region = layout.reserve(shape)
        let segment = try Segment(bytes: layout.bytes, backing: .residentMemory)
        withExtendedLifetime(segment) {
            let values = segment.tensor(region, shape)
            fill(values)
            store(values, in: arena, kernels)
        }
    }

    func store(_ values: Tensor, in arena: Arena, _ kernels: Kernels) {
        forEachPart(of: values) { part, values in
            switch part.layout {
            case .rows: part.tensor(arena).copy(from: values)
            case .panels: kernels.pack(values.matrix.transposed, into: part.panels(arena))
            }
        }
    }

    /// Copies out what is stored.
    func load(into values: Tensor, from arena: Arena, _ kernels: Kernels) {
        forEachPart(of: values) { part, values in
            switch part.layout {
            case .rows: values.copy(from: part.tensor(arena))
            case .panels: kernels.unpack(part.panels(arena), into: values.matrix.transposed)
            }
        }
    }

    private func forEachPart(of values: Tensor, _ body: (StoredRows, Tensor) -> Void) {
        var row = 0
        for part in parts {
            body(part, values.rows(row..<row + part.rows))
            row += part.rows
        }
    }
}
