// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// Where a run's tokens come from. The same step and row give the same tokens to every rank that asks.
public enum TokenSource: Sendable {
    /// Uniform random tokens.
    case random(seed: UInt64)
    case file(TokenFile)

    /// Writes the inputs of all rows of a step, and the targets: the same, shifted by one.
    ///
    /// - Parameters:
    ///   - step: its index in the run: a step takes up where the one before it ended.
    ///   - batch: rows of a whole step, over all microbatches.
    ///   - length: tokens of a row.
    ///   - vocabulary: what every token is below.
    ///   - inputs: [batch, length], or empty to leave them out.
    ///   - targets: [batch, length], or empty to leave them out.
    /// - Throws: `DataError` when a file's token is outside the vocabulary, or the file can no longer be read there.
    public func fill(
        step: Int, batch: Int, length: Int, vocabulary: Int, inputs: Tokens, targets: Tokens
    ) throws(DataError) {
        var reader = TokenReader(self)
        try reader.fill(
            step: step, batch: batch, length: length, vocabulary: vocabulary, inputs: inputs, targets: targets)
    }
}

/// One rank's reading of the tokens. Allocates nothing after it was made.
struct TokenReader {
    private let source: TokenSource
    /// Of a file.
    private var window: TokenWindow?

    init(_ source: TokenSource) {
        self.source = source
        if case .file(let file) = source { window = TokenWindow(file) }
    }

    /// As `TokenSource.fill`.
    mutating func fill(
        step: Int, batch: Int, length: Int, vocabulary: Int, inputs: Tokens, targets: Tokens
    ) throws(DataError) {
        for row in 0..<batch {
            for position in 0...length {
                let token: Int32
                switch source {
                case .random(let seed):
                    token = Self.randomToken(
                        seed, vocabulary, UInt64((step * batch + row) * (length + 1) + position))
                case .file:
                    token = try window!.token(at: (step * batch + row) * length + position, below: vocabulary)
                }
                if position < length && inputs.count > 0 { inputs[row * length + position] = token }
                if position > 0 && targets.count > 0 { targets[row * length + position - 1] = token }
            }
        }
    }

    private static func randomToken(_ seed: UInt64, _ vocabulary: Int, _ position: UInt64) -> Int32 {
        Int32(CounterRandom(seed: seed, name: "tokens").integer(below: UInt64(vocabulary), at: position))
    }
}
