// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// Softmax cross-entropy, the mean over a microbatch's tokens. Turns the logits into their gradient in place.
public struct CrossEntropy: Sendable {
    /// Room for each token's loss.
    private let tokenLosses: Scratch

    /// Reserves scratch: two floats for each token of a microbatch.
    public init(plan: inout StagePlan) { tokenLosses = plan.scratch(Shape(plan.batch.tokens, 2)) }

    /// Writes the frame's loss and overwrites `logits` [tokens, vocabulary] with the gradient of the step's loss.
    public func forward(_ logits: Tensor, _ frame: Frame) {
        let tokens = logits.shape.rows
        let total = frame.kernels.crossEntropy(
            logits, targets: frame.targets, scale: frame.gradientScale / Float(tokens), rowLosses: frame[tokenLosses])
        frame.loss[0] = Float(total / Double(tokens))
    }
}
