// SPDX-License-Identifier: Apache-2.0

/// How long actions of equal stages take, in units of the caller's choice.
public struct ChunkCosts: Equatable, Sendable {
    /// F: a stage's forward of one microbatch.
    public var forward: Double
    /// I: its input's gradient.
    public var inputGradient: Double
    /// W: its weights' gradients.
    public var weightGradient: Double
    /// From one rank to another; within a rank a hand-off takes nothing.
    public var handOff: Double

    /// One unit each, and hand-offs that take nothing, unless given.
    public init(
        forward: Double = 1, inputGradient: Double = 1, weightGradient: Double = 1, handOff: Double = 0
    ) {
        self.forward = forward
        self.inputGradient = inputGradient
        self.weightGradient = weightGradient
        self.handOff = handOff
    }

    /// Of an action; a whole backward is both its parts.
    public func duration(_ kind: Action.Kind) -> Double {
        switch kind {
        case .forward: forward
        case .backward: inputGradient + weightGradient
        case .backwardInput: inputGradient
        case .backwardWeights: weightGradient
        }
    }
}
