// SPDX-License-Identifier: Apache-2.0

import Threads

/// The cuts that are worked out.
public enum PartitionKind: String, CaseIterable, Sendable {
    /// Whole layers, as evenly as their number allows; the embedding with the first, the head with the last.
    case uniform
    /// Any cut between units, the one under which the schedule's step would be the shortest.
    case balanced
}

/// How the units of a model are to be cut into stages.
public enum PartitionChoice: Equatable, Sendable {
    /// By a cut that is worked out.
    case kind(PartitionKind)
    /// As a layout says, which then has as many stages as the schedule.
    case layout(PartitionLayout)
    /// As somebody has worked it out: consecutive ranges of units, none empty, as many as the schedule has stages.
    case given(Partition)

    /// Whole layers.
    public static let uniform = PartitionChoice.kind(.uniform)
    /// Any cut between units.
    public static let balanced = PartitionChoice.kind(.balanced)

    /// For people: `uniform`, `balanced` or `given`.
    public var title: String { if case .kind(let kind) = self { kind.rawValue } else { "given" } }
}

/// A cut of a model's units into consecutive, non-empty stages.
public struct Partition: Equatable, Sendable {
    /// The units of each stage.
    public let ranges: [Range<Int>]

    /// Takes ranges as they are; planning a run checks them.
    public init(ranges: [Range<Int>]) { self.ranges = ranges }

    /// With a first unit for each stage but the first, in ascending order, of a model with so many units.
    public init(startingAt firstUnits: [Int], of units: Int) {
        ranges = zip([0] + firstUnits, firstUnits + [units]).map { $0..<max($0, $1) }
    }

    /// Layers [s L / K, (s + 1) L / K) on stage s of K, as the reference study splits them.
    /// - Throws: `PartitionError` with more stages than layers, or none.
    public static func uniform(_ model: Model, stages: Int) throws(PartitionError) -> Partition {
        if stages < 1 || stages > model.layers {
            throw PartitionError(kind: .uniform, stages: stages, stagesMax: model.layers, what: "layer")
        }
        var cuts = [0]
        for stage in 1..<max(stages, 1) {
            let firstLayer = stage * model.layers / stages
            let cut = model.units.firstIndex { $0.layer == firstLayer } ?? 0
            require(cut > cuts[stage - 1], "the model has no unit of layer \(firstLayer), or not where it belongs")
            cuts.append(cut)
        }
        cuts.append(model.units.count)
        return Partition(cuts: cuts)
    }

    /// What keeps it from being a cut of a model; nil when nothing does.
    func refusal(units: Int) -> String? {
        var next = 0
        for (stage, range) in ranges.enumerated() {
            if range.isEmpty { return "stage \(stage) has no unit" }
            if range.lowerBound != next {
                return "stage \(stage) starts with unit \(range.lowerBound), and unit \(next) has to come"
            }
            next = range.upperBound
        }
        return next == units ? nil : "the last stage ends before unit \(next), and the model has \(units)"
    }

    init(cuts: [Int]) { ranges = zip(cuts, cuts.dropFirst()).map { $0..<$1 } }
}

/// More stages than there are things to put on them, or none.
public struct PartitionError: Error, Equatable, CustomStringConvertible {
    /// Which cut was asked for.
    public let kind: PartitionKind
    /// How many were asked for.
    public let stages: Int
    /// How many there can be: one for each layer, or each unit, that is to be cut.
    public let stagesMax: Int
    /// What is cut, in the singular.
    let what: String
    public var description: String {
        let limit = stages < 1 ? "least 1 stage" : "most \(counted(stagesMax, "stage"))"
        return "a \(kind.rawValue) partition of \(counted(stagesMax, what)) has at \(limit), not \(stages)"
    }
}
