// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// The smallest part of a model that a stage can hold.
public struct Unit: Sendable {
    /// For people, such as `layers.0 attention`.
    public let name: String
    /// The transformer layer it belongs to; nil for what stands before the first or after the last.
    public let layer: Int?
    /// Columns of its output; 0 for the loss.
    public let outputColumns: Int
    /// What it is called in a layout (`PartitionLayout`): an ASCII letter, but none of t, L and m, which mean something else there.
    public let letter: Character
    /// Makes the layer and reserves its memory. Called once for each stage plan; must not depend on anything else.
    public let make: @Sendable (inout StagePlan) -> any Layer

    /// With these values; what does not fit is found when a run is planned. The letter is H for the loss and x for others,
    /// unless given.
    public init(
        name: String, layer: Int?, outputColumns: Int, letter: Character? = nil,
        make: @escaping @Sendable (inout StagePlan) -> any Layer
    ) {
        self.name = name
        self.layer = layer
        self.outputColumns = outputColumns
        self.letter = letter ?? (outputColumns == 0 ? "H" : "x")
        self.make = make
    }
}

/// A network as a chain of units: the first reads tokens, the last computes the loss.
public struct Model: Sendable {
    /// For people, such as `decoder 4L-4H`.
    public let name: String
    /// How many tokens there are: 0 to one less.
    public let vocabulary: Int
    /// Tokens of a sequence.
    public let sequenceLength: Int
    /// Transformer layers, which `Partition.uniform` shares out.
    public let layers: Int
    /// In the order of the forward.
    public let units: [Unit]
    /// What it was made from, when that is a built-in architecture: a checkpoint then tells of it.
    public private(set) var spec: ModelSpec?
    /// Why the sizes that it was to be made from make no model; planning a run throws it.
    private(set) var refusal: ModelError?

    /// Any chain of units; planning a run (`RunPlan`) tells what does not fit.
    public init(name: String, vocabulary: Int, sequenceLength: Int, layers: Int, units: [Unit]) {
        self.name = name
        self.vocabulary = vocabulary
        self.sequenceLength = sequenceLength
        self.layers = layers
        self.units = units
    }

    fileprivate func made(from spec: ModelSpec) -> Model {
        var model = self
        model.spec = spec
        return model
    }

    fileprivate init(refused reason: String) {
        self.init(name: "none", vocabulary: 0, sequenceLength: 0, layers: 0, units: [])
        refusal = ModelError(reason: reason)
    }
}

/// The built-in architectures.
public enum Architecture: String, CaseIterable, Sendable {
    /// `nn.TransformerDecoderLayer(x, x)`: post-norm, no masks, no positions, ReLU. The reference study's.
    case decoder
    /// nanoGPT: pre-norm, causal, learned positions, GELU.
    case gpt

    /// The feed-forward's columns when nothing else is asked for.
    public func standardHidden(dim: Int) -> Int { self == .decoder ? 2048 : 4 * dim }
}

/// The sizes of a built-in model. The defaults are the reference workload 4L-4H.
public struct ModelSpec: Equatable, Sendable {
    /// Which units it is made of.
    public var architecture = Architecture.decoder
    /// How many tokens there are: 0 to one less.
    public var vocabulary = 10000
    /// Columns of an activation, which the heads share out equally.
    public var dim = 240
    /// Transformer layers, each of two units.
    public var layers = 4
    /// Heads of each attention.
    public var heads = 4
    /// Columns between the feed-forward's two linear maps: unless set, the architecture's, 2048 or 4 x dim.
    public var hidden: Int {
        get { hiddenAskedFor ?? architecture.standardHidden(dim: dim) }
        set { hiddenAskedFor = newValue }
    }
    private var hiddenAskedFor: Int?
    /// Tokens of a sequence.
    public var sequenceLength = 64

    /// The reference workload 4L-4H, or a gpt of the same layers, heads and columns, with gpt's feed-forward.
    public init(_ architecture: Architecture = .decoder) { self.architecture = architecture }

    /// Whether they make the same model, whoever chose the feed-forward's columns.
    public static func == (one: ModelSpec, other: ModelSpec) -> Bool {
        func numbers(_ spec: ModelSpec) -> [Int] {
            [spec.vocabulary, spec.dim, spec.layers, spec.heads, spec.hidden, spec.sequenceLength]
        }
        return one.architecture == other.architecture && numbers(one) == numbers(other)
    }

    /// The chain of units. `heads` divides `dim`, and every size is at least 1; of other sizes comes a model that planning a run
    /// refuses, with the reason.
    public func model() -> Model {
        if let reason = refusal { return Model(refused: reason) }
        return Model(
            name: "\(architecture.rawValue) \(layers)L-\(heads)H", vocabulary: vocabulary,
            sequenceLength: sequenceLength, layers: layers,
            units: architecture == .decoder ? decoderUnits() : gptUnits()
        ).made(from: self)
    }

    private var refusal: String? {
        let sizes = [
            ("vocabulary", vocabulary), ("dim", dim), ("layers", layers), ("heads", heads), ("hidden", hidden),
            ("sequence length", sequenceLength),
        ]
        for (what, size) in sizes where size < 1 { return "\(what) is \(size); at least 1 is allowed" }
        for (what, size) in sizes where size > Model.sizeMost || (["layers", "heads"].contains(what) && size > 1 << 16)
        {
            return "\(what) is \(size), which is too much for any machine"
        }
        return dim % heads == 0 ? nil : "\(heads) heads do not divide dim \(dim)"
    }

    private func decoderUnits() -> [Unit] {
        let spec = self
        let embedding = Unit(name: "embedding", layer: nil, outputColumns: dim, letter: "E") { plan in
            Embedding(
                "tok_embeddings", vocabulary: spec.vocabulary, dim: spec.dim, initializer: .normal(1), plan: &plan)
        }
        let blocks = (0..<layers).flatMap { layer in
            [
                Unit(name: "layers.\(layer) attention", layer: layer, outputColumns: dim, letter: "a") { plan in
                    DecoderAttention("layers.\(layer)", dim: spec.dim, heads: spec.heads, plan: &plan)
                },
                Unit(name: "layers.\(layer) feed-forward", layer: layer, outputColumns: dim, letter: "f") { plan in
                    DecoderFeedForward("layers.\(layer)", dim: spec.dim, hidden: spec.hidden, plan: &plan)
                },
            ]
        }
        let head = Unit(name: "head", layer: nil, outputColumns: 0, letter: "H") { plan in
            let norm = LayerNorm("norm", columns: spec.dim, plan: &plan)
            let project = Linear("output", inputs: spec.dim, outputs: spec.vocabulary, plan: &plan)
            return LossHead(norm: norm, project: project, dim: spec.dim, vocabulary: spec.vocabulary, plan: &plan)
        }
        return [embedding] + blocks + [head]
    }

    private func gptUnits() -> [Unit] {
        let spec = self
        let embedding = Unit(name: "embedding", layer: nil, outputColumns: dim, letter: "E") { plan in
            Embedding(
                "transformer.wte", positions: "transformer.wpe", vocabulary: spec.vocabulary, dim: spec.dim,
                initializer: .normal(0.02), dropout: DropoutSite("transformer.drop"), plan: &plan)
        }
        let blocks = (0..<layers).flatMap { layer in
            let name = "transformer.h.\(layer)"
            return [
                Unit(name: "h.\(layer) attention", layer: layer, outputColumns: dim, letter: "a") { plan in
                    PreNormBlock.attention(
                        name, dim: spec.dim, heads: spec.heads, layers: spec.layers, plan: &plan)
                },
                Unit(name: "h.\(layer) feed-forward", layer: layer, outputColumns: dim, letter: "f") { plan in
                    PreNormBlock.feedForward(
                        name, dim: spec.dim, hidden: spec.hidden, layers: spec.layers, plan: &plan)
                },
            ]
        }
        let head = Unit(name: "head", layer: nil, outputColumns: 0, letter: "H") { plan in
            let norm = LayerNorm("transformer.ln_f", columns: spec.dim, plan: &plan)
            let project = Linear(
                "lm_head", inputs: spec.dim, outputs: spec.vocabulary, hasBias: false, weight: .normal(0.02),
                plan: &plan)
            return LossHead(norm: norm, project: project, dim: spec.dim, vocabulary: spec.vocabulary, plan: &plan)
        }
        return [embedding] + blocks + [head]
    }
}

/// What a unit costs, found by planning it alone; nothing is mapped.
public struct UnitCost: Sendable {
    /// Of the matrix products in one microbatch's forward and backward.
    public let productFLOPs: Double
    /// The unit's own, in the order in which its layer reserved them.
    public var parameters: [ParameterSpec] { plan.parameters }
    let plan: StagePlan
    let layer: any Layer
}

extension Unit {
    /// Plans the unit alone, for a microbatch of this shape.
    public func cost(_ batch: BatchShape) -> UnitCost {
        var plan = StagePlan(batch: batch, splitsBackward: false)
        let layer = make(&plan)
        return UnitCost(productFLOPs: plan.productFLOPs, plan: plan, layer: layer)
    }
}
