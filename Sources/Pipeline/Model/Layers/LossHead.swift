// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// The last layer of a model: layer norm, projection onto the vocabulary, loss against the frame's targets.
///
/// Its y and dy are empty. The logits' gradient is made by the forward, since its scale is known then, and overwrites the
/// logits.
public struct LossHead: Layer {
    private let norm: LayerNorm
    private let project: Linear
    private let loss: CrossEntropy
    private let normed: Kept
    private let logits: Kept
    private let dNormed: KeptGradient

    /// - Parameters:
    ///   - norm: of dim columns.
    ///   - project: dim to vocabulary.
    ///   - dim: columns of x.
    ///   - vocabulary: columns of the logits: targets are below it.
    ///   - plan: the stage's, where memory is reserved.
    public init(norm: LayerNorm, project: Linear, dim: Int, vocabulary: Int, plan: inout StagePlan) {
        StagePlan.requireSizes("loss", [dim, vocabulary])
        require(
            norm.inputColumns == dim && project.inputColumns == dim && project.outputColumns == vocabulary,
            "a loss of dim \(dim) and vocabulary \(vocabulary) whose norm or projection has other columns")
        plan.readsTargets(below: vocabulary)
        let tokens = plan.batch.tokens
        self.norm = norm
        self.project = project
        loss = CrossEntropy(plan: &plan)
        normed = plan.keep(Shape(tokens, dim))
        logits = plan.keep(Shape(tokens, vocabulary))
        dNormed = plan.keepGradient(Shape(tokens, dim))
    }

    public var inputColumns: Int? { norm.inputColumns }
    public var outputColumns: Int? { 0 }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        norm.forward(x, into: frame[normed], frame)
        project.forward(frame[normed], into: frame[logits], frame)
        loss.forward(frame[logits], frame)
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        project.backwardInput(frame[logits], into: frame[dNormed], accumulating: false, frame)
        norm.backwardInput(frame[dNormed], input: x, into: dx, frame)
    }

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        project.backwardWeights(frame[logits], input: frame[normed], frame)
        norm.backwardWeights(frame[dNormed], input: x, frame)
    }
}
