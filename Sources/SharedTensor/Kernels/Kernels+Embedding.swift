// SPDX-License-Identifier: Apache-2.0

import Threads

extension Kernels {
    /// out[r, :] = table[tokens[r], :]. Every token is a row of the table; another one traps.
    public func embedding(_ tokens: Tokens, table weights: Tensor, into out: Tensor) {
        require(out.shape.rows == tokens.count && out.shape.columns == weights.shape.columns, "embedding shapes")
        tokens.requireBelow(weights.shape.rows, "the rows of the embedding")
        unsafe table.pointee.embedding(tokens.count, weights.shape.columns, tokens.base, weights.base, out.base)
    }

    /// gradient[tokens[r], :] += dy[r, :]. Every token is a row of the gradient; another one traps.
    public func embeddingBackward(_ dy: Tensor, _ tokens: Tokens, into gradient: Tensor) {
        require(dy.shape.rows == tokens.count && dy.shape.columns == gradient.shape.columns, "embedding shapes")
        tokens.requireBelow(gradient.shape.rows, "the rows of the embedding")
        unsafe table.pointee.embedding_backward(
            tokens.count, gradient.shape.columns, tokens.base, dy.base, gradient.base)
    }
}
