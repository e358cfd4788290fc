// SPDX-License-Identifier: Apache-2.0

/// How long actions of a stage take, in units of the caller's choice.
public struct ChunkCosts: Equatable, Sendable {
    /// F: a stage's forward of one microbatch.
    public var forward: Double
    /// I: its input's gradient.
    public var inputGradient: Double
    /// W: its weights' gradients.
    public var weightGradient: Double
    /// B, where it takes another time than its two parts.
    public var wholeBackward: Double?
    /// Of what leaves the stage, from one rank to another; within a rank a hand-off takes nothing.
    public var handOff: Double

    /// One unit each, and hand-offs that take nothing, unless given.
    public init(
        forward: Double = 1, inputGradient: Double = 1, weightGradient: Double = 1, wholeBackward: Double? = nil,
        handOff: Double = 0
    ) {
        self.forward = forward
        self.inputGradient = inputGradient
        self.weightGradient = weightGradient
        self.wholeBackward = wholeBackward
        self.handOff = handOff
    }

    /// Of an action; a whole backward is both its parts, unless it is told otherwise.
    public func duration(_ kind: Action.Kind) -> Double {
        switch kind {
        case .forward: forward
        case .backward: wholeBackward ?? inputGradient + weightGradient
        case .backwardInput: inputGradient
        case .backwardWeights: weightGradient
        }
    }
}
