// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Synchronization

/// Where a stage's memory lies. Layers reserve in it while they are made; nothing is mapped before all have.
public struct StagePlan: Sendable {
    /// Tells plans apart, and so what was reserved in them.
    struct ID: Equatable, Sendable {
        private let number: UInt64
        private static let last = Atomic<UInt64>(0)
        init() { number = Self.last.add(1, ordering: .relaxed).newValue }
    }

    let id = ID()
    /// Of each microbatch that the stage works on.
    public let batch: BatchShape
    /// Whether there are backwards and updates; where there are none, nothing is kept for them.
    let runsBackwards: Bool
    /// Whether some microbatch's W comes apart from its I, so that all layers' kept gradients live at the same time.
    let splitsBackward: Bool
    /// Whether the run drops elements, so that layers need room for it.
    let dropsElements: Bool
    /// Threads that share the stage's work, each of which may need scratch of its own.
    let members: Int
    let weightLayout: WeightLayout

    private(set) var weights = SegmentLayout()
    /// The gradients, and each of the optimizer's states: as the weights lie.
    var gradients: SegmentLayout { runsBackwards ? weights : SegmentLayout() }
    /// For one microbatch, from forward to backwardWeights.
    private(set) var stash = SegmentLayout()
    /// For one microbatch, from backwardInput to backwardWeights.
    private(set) var gradientStash = OverlaidLayout()
    private(set) var scratch = OverlaidLayout()
    private(set) var parameters: [ParameterSpec] = []
    private(set) var linearWeights: [LinearWeight] = []
    /// Weights packed for backwards: kept from a step's packing to its last use of them.
    private(set) var packed = SegmentLayout()
    /// Floating-point operations of the matrix products of one microbatch's forward and backward.
    private(set) var productFLOPs = 0.0
    /// Below what tokens and targets have to be for a layer, which takes them for rows; nil where none does.
    private(set) var tokensBelow: Int?
    private(set) var targetsBelow: Int?

    /// Nothing is reserved yet. Unless given, it is for one thread that trains without dropout.
    public init(
        batch: BatchShape, runsBackwards: Bool = true, splitsBackward: Bool, dropsElements: Bool = false,
        members: Int = 1, weightLayout: WeightLayout = .panels
    ) {
        self.runsBackwards = runsBackwards
        self.members = members
        self.weightLayout = weightLayout
        self.batch = batch
        self.dropsElements = dropsElements
        self.splitsBackward = splitsBackward
    }

    /// Reserves weights under a checkpoint name that is unique in the model.
    public mutating func parameter(_ name: String, _ shape: Shape, _ initializer: Initializer) -> Parameter {
        let parameter = Parameter(plan: id, region: weights.reserve(shape), shape: shape)
        let stored = StoredRows(rows: shape.rows, columns: shape.columns, layout: .rows, parameter: parameter)
        parameters.append(ParameterSpec(name: name, shape: shape, initializer: initializer, parts: [stored]))
        return parameter
    }

    /// Reserves the weights [outputs, inputs] of linear maps with the same inputs, whose rows make up one parameter.
    public mutating func linearWeights(
        _ name: String, outputs: [Int], inputs: Int, _ initializer: Initializer
    ) -> [LinearWeight] {
        StagePlan.requireSizes("linear map \(name)", outputs + [inputs])
        let weights = outputs.map { linearWeight(outputs: $0, inputs: inputs) }
        linearWeights += weights
        parameters.append(
            ParameterSpec(
                name: name, shape: Shape(outputs.reduce(0, +), inputs), initializer: initializer,
                parts: weights.map(\.stored)))
        return weights
    }

    private mutating func linearWeight(outputs: Int, inputs: Int) -> LinearWeight {
        func stored(as shape: Shape) -> StoredRows {
            StoredRows(
                rows: outputs, columns: inputs, layout: weightLayout,
                parameter: Parameter(plan: id, region: weights.reserve(shape), shape: shape))
        }
        switch weightLayout {
        case .rows: return LinearWeight(stored: stored(as: Shape(outputs, inputs)), packed: nil)
        case .panels:
            let factor = PackedMatrix.storageShape(rows: outputs, columns: inputs)
            return LinearWeight(
                stored: stored(as: PackedMatrix.storageShape(rows: inputs, columns: outputs)),
                packed: Reserved(plan: id, region: packed.reserve(factor), shape: factor))
        }
    }

    /// Reserves room that keeps its contents from a microbatch's forward to its backwardWeights.
    public mutating func keep(_ shape: Shape) -> Kept {
        Kept(plan: id, region: stash.reserve(shape), shape: shape)
    }

    /// Reserves room that keeps its contents from a microbatch's backwardInput to its backwardWeights.
    public mutating func keepGradient(_ shape: Shape) -> KeptGradient {
        KeptGradient(plan: id, region: gradientStash.reserve(shape), shape: shape)
    }

    /// Reserves room for the length of one call.
    public mutating func scratch(_ shape: Shape) -> Scratch {
        Scratch(plan: id, region: scratch.reserve(shape), shape: shape)
    }

    /// Says that the layer reads the frame's tokens, and that each of them is to be below `rows`. Planning a run compares that
    /// with the model's vocabulary.
    public mutating func readsTokens(below rows: Int) { tokensBelow = min(rows, tokensBelow ?? rows) }

    /// The same of the frame's targets.
    public mutating func readsTargets(below columns: Int) { targetsBelow = min(columns, targetsBelow ?? columns) }

    /// Counts a product y [tokens, outputs] = x [tokens, inputs] w^T with its two backward products.
    public mutating func countProduct(rows: Int, inputs: Int, outputs: Int) {
        productFLOPs += 3 * 2 * Double(rows) * Double(inputs) * Double(outputs)
    }

    /// Ends a unit: the next one may use the same scratch, and the same gradient stash when a unit's W follows its I.
    mutating func endUnit() {
        scratch.startOver()
        if !splitsBackward { gradientStash.startOver() }
    }

    /// Ends the stage.
    mutating func endStage() {
        if runsBackwards { return }
        packed = SegmentLayout()
        gradientStash = OverlaidLayout()
    }

    /// Ends what all units of the stage share: `endUnit` goes back to here.
    mutating func endSharedPart() { gradientStash.keepSoFar() }

    var isTooLarge: Bool {
        weights.isTooLarge || packed.isTooLarge || stash.isTooLarge || gradientStash.isTooLarge || scratch.isTooLarge
    }
}

/// A layout whose users take turns: each starts where the shared part ends, and the largest decides the size.
struct OverlaidLayout: Sendable {
    private var shared = SegmentLayout()
    private var current = SegmentLayout()
    private(set) var peak = SegmentLayout()

    var isTooLarge: Bool { peak.isTooLarge }

    mutating func reserve(_ shape: Shape) -> Region {
        let region = current.reserve(shape)
        if current.bytes > peak.bytes || current.isTooLarge { peak = current }
        return region
    }

    mutating func keepSoFar() { shared = current }
    mutating func startOver() { current = shared }
}
