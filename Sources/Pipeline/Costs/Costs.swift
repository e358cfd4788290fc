// SPDX-License-Identifier: Apache-2.0

/// What a model's work takes: seconds of each unit's tasks for one microbatch, of the update of a parameter, and of hand-offs.
/// Replays, bounds and searches read it and do not care where it is from.
public struct Costs: Codable, Equatable, Sendable {
    /// Of each of the model's units.
    public var units: [UnitCosts]
    /// Seconds that a step's update takes for each of a rank's parameters.
    public var updateOfParameter: Double
    /// Of hand-offs between ranks.
    public var link: LinkCost

    /// With these values.
    public init(units: [UnitCosts], updateOfParameter: Double, link: LinkCost) {
        (self.units, self.updateOfParameter, self.link) = (units, updateOfParameter, link)
    }
}

/// What a unit's tasks take, in seconds, for one microbatch.
public struct UnitCosts: Codable, Equatable, Sendable {
    /// F.
    public var forward: Double
    /// B: the whole backward.
    public var backward: Double
    /// I: its input's gradient alone.
    public var inputGradient: Double
    /// W: its weights' gradients alone.
    public var weightGradient: Double
    /// Packing the weights for a step's backwards: once a step.
    public var packing: Double

    /// With these values.
    public init(forward: Double, backward: Double, inputGradient: Double, weightGradient: Double, packing: Double) {
        (self.forward, self.backward) = (forward, backward)
        (self.inputGradient, self.weightGradient, self.packing) = (inputGradient, weightGradient, packing)
    }

    /// Of an action, without what it does besides: packing, and forwards that are done again.
    public func duration(_ kind: Action.Kind) -> Double {
        switch kind {
        case .forward: forward
        case .backward: backward
        case .backwardInput: inputGradient
        case .backwardWeights: weightGradient
        }
    }
}
