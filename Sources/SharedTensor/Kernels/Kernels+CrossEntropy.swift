// SPDX-License-Identifier: Apache-2.0

import Threads

extension Kernels {
    /// In place: logits [rows, vocabulary] become scale * (softmax - onehot(target)). Returns the summed loss of the rows.
    ///
    /// There is one target for each row. `rowLosses` has room for two floats a row: a team's members leave their rows' losses
    /// there.
    public func crossEntropy(_ logits: Tensor, targets: Tokens, scale: Float, rowLosses: Tensor) -> Double {
        require(targets.count == logits.shape.rows, "one target for each row of logits")
        require(rowLosses.count == 2 * targets.count, "room for one loss for each row of logits")
        targets.requireBelow(logits.shape.columns, "the columns of the logits")
        if isTeam {
            share(SharedCrossEntropy(kernels: self, logits: logits, targets: targets, scale: scale, losses: rowLosses))
            return (0..<targets.count).reduce(0) { $0 + rowLosses[double: $1] }
        }
        return unsafe table.pointee.cross_entropy(
            logits.shape.rows, logits.shape.columns, logits.base, targets.base, scale)
    }
}

private struct SharedCrossEntropy: SharedWork {
    let kernels: Kernels
    let logits: Tensor
    let targets: Tokens
    let scale: Float
    /// Of the rows, as doubles.
    let losses: Tensor

    var count: Int { targets.count }
    var grain: Int { 1 }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        for row in part {
            losses[double: row] = kernels.crossEntropy(
                logits.rows(row..<row + 1), targets: targets[row..<row + 1], scale: scale,
                rowLosses: losses.elements(2 * row..<2 * row + 2))
        }
    }
}
