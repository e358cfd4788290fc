// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// Tokens to activations: y [tokens, dim] = table[token] (+ positions[position in the sequence]).
///
/// The first layer of a model: it reads the frame's tokens, its x and dx are empty.
public struct Embedding: Layer {
    private let table: Parameter
    private let positions: Parameter?
    private let dropout: DropoutSite?
    /// The gradient at dropout's input.
    private let dInput: Scratch?

    /// - Parameters:
    ///   - name: the table's; its parameter is `name.weight`.
    ///   - positions: the name of a learned table [sequence length, dim], nil for none.
    ///   - vocabulary: rows of the table: tokens are below it.
    ///   - dim: columns of y.
    ///   - initializer: how both tables start.
    ///   - dropout: of the sum.
    ///   - plan: the stage's, where memory is reserved.
    public init(
        _ name: String, positions: String? = nil, vocabulary: Int, dim: Int, initializer: Initializer,
        dropout: DropoutSite? = nil, plan: inout StagePlan
    ) {
        let length = plan.batch.sequenceLength
        StagePlan.requireSizes("embedding \(name)", [vocabulary, dim])
        plan.readsTokens(below: vocabulary)
        table = plan.parameter("\(name).weight", Shape(vocabulary, dim), initializer)
        self.dropout = dropout
        dInput = dropout != nil && plan.dropsElements ? plan.scratch(Shape(plan.batch.tokens, dim)) : nil
        self.positions = positions.map { plan.parameter("\($0).weight", Shape(length, dim), initializer) }
    }

    public var inputColumns: Int? { 0 }
    public var outputColumns: Int? { table.shape.columns }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        frame.kernels.embedding(frame.tokens, table: frame[table], into: y)
        if let positions { forEachSequence(y, frame) { frame.kernels.add($0, frame[positions], into: $0) } }
        if let dropout, frame.drops { frame.drop(dropout, y, into: y) }
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {}

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        guard let dropout, let dInput, frame.drops else { return addGradients(dy, frame) }
        frame.drop(dropout, dy, into: frame[dInput])
        addGradients(frame[dInput], frame)
    }

    private func addGradients(_ dy: Tensor, _ frame: Frame) {
        frame.kernels.embeddingBackward(dy, frame.tokens, into: frame.gradient(of: table))
        guard let positions else { return }
        let gradient = frame.gradient(of: positions)
        forEachSequence(dy, frame) { frame.kernels.add(gradient, $0, into: gradient) }
    }

    private func forEachSequence(_ tensor: Tensor, _ frame: Frame, _ body: (Tensor) -> Void) {
        let length = frame.batch.sequenceLength
        for sequence in 0..<frame.batch.sequences {
            body(tensor.rows(sequence * length..<(sequence + 1) * length))
        }
    }
}
