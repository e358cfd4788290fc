// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// How a run stores the weights of its linear maps, and with them their gradients and the optimizer's states.
public enum WeightLayout: Sendable {
    /// [outputs, inputs] row by row, as PyTorch has them: what a BLAS multiplies by.
    case rows
    /// The transpose in panels: the kernels' forward product reads them where they are, and the product that is the
    /// gradient writes them in one piece.
    case panels
}

/// A parameter, or some rows of one, as it is stored among the weights and among their gradients.
struct StoredRows: Sendable {
    let rows: Int
    let columns: Int
    let layout: WeightLayout
    let parameter: Parameter

    /// In the layout `rows`.
    func tensor(_ arena: Arena) -> Tensor { arena.tensor(parameter.region, parameter.shape) }

    /// In the layout `panels`: the transpose.
    func panels(_ arena: Arena) -> PackedMatrix {
        PackedMatrix(rows: columns, columns: rows, storage: tensor(arena))
    }
}

/// The weight w [outputs, inputs] of a linear map, in the layout of its run, and the map's three products.
public struct LinearWeight: Sendable {
    /// Rows of w, and columns of y.
    public var outputs: Int { stored.rows }
    /// Columns of w, and of x.
    public var inputs: Int { stored.columns }
    let stored: StoredRows
    /// In the layout `panels`, where w itself lies, packed once a step for dx = dy w.
    let packed: Reserved<InPacked>?

    /// Packs w as it is now for `multiply(_:into:ending:accumulating:_:)`, where the layout wants it.
    func pack(_ frame: Frame) {
        guard let factor = factor(frame) else { return }
        frame.kernels.pack(transposeOf: panels(frame[stored.parameter]), into: factor)
    }

    /// What is stored in the layout `panels`: the transpose.
    private func panels(_ storage: Tensor) -> PackedMatrix {
        PackedMatrix(rows: inputs, columns: outputs, storage: storage)
    }

    private func factor(_ frame: Frame) -> PackedMatrix? {
        packed.map { PackedMatrix(rows: outputs, columns: inputs, storage: frame[$0]) }
    }

    /// y = ending(x w^T + bias); packs w on the way where the frame says so.
    func multiplyTransposed(_ x: Matrix, into y: Matrix, bias: Tensor?, ending: ProductEnding, _ frame: Frame) {
        switch stored.layout {
        case .rows:
            let factor = frame[stored.parameter].matrix.transposed
            frame.kernels.multiply(x, factor, into: y, bias: bias, ending: ending)
        case .panels:
            frame.kernels.multiply(
                x, panels(frame[stored.parameter]), into: y, bias: bias, ending: ending,
                packing: frame.packsWeights ? factor(frame) : nil)
        }
    }

    /// dx = ending(dy w), or of dx + dy w, with w as it was when it was packed.
    func multiply(_ dy: Matrix, into dx: Matrix, ending: ProductEnding, accumulating: Bool, _ frame: Frame) {
        if let factor = factor(frame) {
            frame.kernels.multiply(dy, factor, into: dx, ending: ending, accumulating: accumulating)
        } else {
            let factor = frame[stored.parameter].matrix
            frame.kernels.multiply(dy, factor, into: dx, ending: ending, accumulating: accumulating)
        }
    }

    /// Adds dy^T x to the gradient of w, and the rows of dy to the bias's.
    func addGradient(_ dy: Matrix, _ x: Matrix, bias: Tensor?, _ frame: Frame) {
        switch stored.layout {
        case .rows:
            let gradient = frame.gradient(of: stored.parameter).matrix
            frame.kernels.multiply(dy.transposed, x, into: gradient, accumulating: true)
            if let bias { frame.kernels.addColumnSums(dy, to: bias) }
        case .panels:
            frame.kernels.multiply(
                x.transposed, dy, into: panels(frame.gradient(of: stored.parameter)), accumulating: true,
                columnSums: bias)
        }
    }
}
