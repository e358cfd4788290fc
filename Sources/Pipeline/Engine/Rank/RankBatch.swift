// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// What a rank has of a step's batch: the tokens that its stages read, and the losses that they leave.
struct RankBatch {
    private let shape: (sequences: Int, length: Int, vocabulary: Int)
    /// [batch, sequence]; empty on a rank without the first stage, or the last.
    private let inputs: Tokens
    private let targets: Tokens
    /// [microbatches]; nil on a rank that does not tell the loss.
    private let losses: Tensor?
    /// One number, which dropout's masks depend on.
    private let stepNumber: Tokens
    private var reader: TokenReader

    /// To be made on the rank's own thread.
    init(_ plan: RunPlan, _ layout: RankMemory, _ arena: Arena, tellsLoss: Bool) {
        let configuration = plan.configuration
        shape = (configuration.batchSize, configuration.model.sequenceLength, configuration.model.vocabulary)
        inputs = arena.tokens(layout.inputs)
        targets = arena.tokens(layout.targets)
        losses = tellsLoss ? arena.tensor(layout.losses, Shape(plan.schedule.microbatches)) : nil
        stepNumber = arena.tokens(layout.step)
        reader = TokenReader(configuration.tokens)
    }

    /// Gets a step's tokens, before the step is measured: from a file, this reads.
    mutating func prepare(step: Int) throws(DataError) {
        stepNumber[0] = Int32(step)
        if inputs.count == 0 && targets.count == 0 { return }
        try reader.fill(
            step: step, batch: shape.sequences, length: shape.length, vocabulary: shape.vocabulary, inputs: inputs,
            targets: targets)
    }

    /// The mean of the step's losses over microbatches, in their order, once all backwards are done, and copies have told each other
    /// their losses; nil on a rank that does not tell it.
    var meanLoss: Float? {
        guard let losses else { return nil }
        let sum = (0..<losses.count).reduce(0.0) { $0 + Double(losses[$1]) }
        return Float(sum / Double(losses.count))
    }
}
