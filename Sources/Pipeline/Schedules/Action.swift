// SPDX-License-Identifier: Apache-2.0

/// One thing a rank does to one microbatch at one stage.
public struct Action: Hashable, Sendable, CustomStringConvertible {
    /// What is done; the raw value is its letter in descriptions.
    public enum Kind: String, Sendable, CaseIterable {
        /// Forward.
        case forward = "F"
        /// The whole backward: the input's gradient, then the weights'. What it hands on leaves when all is done.
        case backward = "B"
        /// The input's gradient alone; it is handed on at once.
        case backwardInput = "I"
        /// The weights' gradient alone, after the input's.
        case backwardWeights = "W"

        /// Whether it produces the gradient that the previous stage waits for.
        public var givesInputGradient: Bool { self == .backward || self == .backwardInput }
        /// Whether it is the last user of what the forward kept.
        public var endsMicrobatch: Bool { self == .backward || self == .backwardWeights }
    }

    // Of 32 bits: there may be tens of millions.
    private let stageNumber, microbatchNumber: Int32
    /// What is done.
    public let kind: Kind
    /// Counts over all ranks, in the order activations flow.
    public var stage: Int { Int(stageNumber) }
    /// Counts from 0.
    public var microbatch: Int { Int(microbatchNumber) }

    /// Any numbers; the schedule's `validated()` tells whether there is such an action. Those that 32 bits cannot hold are no schedule's:
    /// they become the nearest that they can.
    public init(_ kind: Kind, stage: Int, microbatch: Int) {
        self.kind = kind
        (stageNumber, microbatchNumber) = (Int32(clamping: stage), Int32(clamping: microbatch))
    }

    /// Stage, kind, microbatch, as PyTorch writes it: `2F0`.
    public var description: String { "\(stage)\(kind.rawValue)\(microbatch)" }
}
