import SharedTensor

/// How a parameter starts out when no checkpoint gives it.
public enum Initializer: Equatable, Sendable {
    case constant(Float)
    /// Uniform in ±bound.
    case uniform(Float)
    /// Normal with mean 0.
    case normal(Float)
}

/// A parameter's name (as in PyTorch's state_dict), shape, place and start.
public struct ParameterSpec: Sendable {
    public let name: String
    public let shape: Shape
    public let initializer: Initializer
    let region: Region
}

/// Where a stage's memory lies. Layers reserve in it while they are made; nothing is mapped before all have.
public struct StagePlan: Sendable {
    public let batch: BatchShape
    /// Whether some microbatch's W comes apart from its I, so that all layers' kept gradients live at the same time.
    let splitsBackward: Bool
    /// Whether the run drops elements, so that layers need room for it.
    let dropsElements: Bool
    /// Threads that share the stage's work, each of which may need scratch of its own.
    let members: Int

    /// Weights, and a gradient and optimizer state of the same layout.
    private(set) var weights = SegmentLayout()
    /// For one microbatch, from forward to backwardWeights.
    private(set) var stash = SegmentLayout()
    /// For one microbatch, from backwardInput to backwardWeights.
    private(set) var gradientStash = OverlaidLayout()
    private(set) var scratch = OverlaidLayout()
    private(set) var parameters: [ParameterSpec] = []
    /// Packed weights: kept from a step's first use to its last.
    private(set) var packed = SegmentLayout()
    private(set) var packings: [PackedWeight] = []
    /// Floating-point operations of the matrix products of one microbatch's forward and backward.
    private(set) var productFLOPs = 0.0

    public init(batch: BatchShape, splitsBackward: Bool, dropsElements: Bool = false, members: Int = 1) {
        self.members = members
        self.batch = batch
        self.dropsElements = dropsElements
        self.splitsBackward = splitsBackward
    }

    /// Reserves weights under a checkpoint name that is unique in the model.
    public mutating func parameter(_ name: String, _ shape: Shape, _ initializer: Initializer) -> Parameter {
        let region = weights.reserve(shape)
        parameters.append(ParameterSpec(name: name, shape: shape, initializer: initializer, region: region))
        return Parameter(region: region, shape: shape)
    }

    /// Has a weight [outputs, inputs] packed once a step for y = x w^T (`forward`) or for dx = dy w (`backwardInput`).
    mutating func pack(_ weight: Parameter, for use: PackedWeight.Use) -> PackedWeight {
        let (outputs, inputs) = (weight.shape.rows, weight.shape.columns)
        let shape = PackedMatrix.storageShape(
            rows: use == .forward ? inputs : outputs, columns: use == .forward ? outputs : inputs)
        let packing = PackedWeight(
            weight: weight, use: use, storage: Reserved(region: packed.reserve(shape), shape: shape))
        packings.append(packing)
        return packing
    }

    /// Reserves room that keeps its contents from a microbatch's forward to its backwardWeights.
    public mutating func keep(_ shape: Shape) -> Kept { Kept(region: stash.reserve(shape), shape: shape) }

    /// Reserves room that keeps its contents from a microbatch's backwardInput to its backwardWeights.
    public mutating func keepGradient(_ shape: Shape) -> KeptGradient {
        KeptGradient(region: gradientStash.reserve(shape), shape: shape)
    }

    /// Reserves room for the length of one call.
    public mutating func scratch(_ shape: Shape) -> Scratch { Scratch(region: scratch.reserve(shape), shape: shape) }

    /// Counts a product y [tokens, outputs] = x [tokens, inputs] w^T with its two backward products.
    public mutating func countProduct(rows: Int, inputs: Int, outputs: Int) {
        productFLOPs += 3 * 2 * Double(rows) * Double(inputs) * Double(outputs)
    }

    /// Ends a unit: the next one may use the same scratch, and the same gradient stash when a unit's W follows its I.
    mutating func endUnit() {
        scratch.startOver()
        if !splitsBackward { gradientStash.startOver() }
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
