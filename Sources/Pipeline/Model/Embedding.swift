import SharedTensor

/// Tokens to activations: y [tokens, dim] = table[token] (+ positions[place in the sequence]).
///
/// The first layer of a model: it reads the frame's tokens, its x and dx are empty.
public struct Embedding: Layer {
    private let table: Parameter
    private let positions: Parameter?

    /// - Parameter positions: the name of a learned table [sequence length, dim], nil for none.
    public init(
        _ name: String, positions: String? = nil, vocabulary: Int, dim: Int, initializer: Initializer,
        plan: inout StagePlan
    ) {
        let length = plan.batch.sequenceLength
        table = plan.parameter("\(name).weight", Shape(vocabulary, dim), initializer)
        self.positions = positions.map { plan.parameter("\($0).weight", Shape(length, dim), initializer) }
    }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        frame.kernels.embedding(frame.tokens, table: frame[table], into: y)
        guard let positions else { return }
        forEachSequence(y, frame) { frame.kernels.add($0, frame[positions], into: $0) }
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {}

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
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
