// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing

/// How parameters start, and what they are called: against PyTorch's names, and numbers that `Golden/initial_values.py`
/// works out from the description alone.
struct InitialValueTests {
    struct Row: Sendable {
        let name: String
        let shape: [Int]
        let initializer: Initializer
        /// The first, the second, and the last, for seed 7.
        let values: [Float]

        init(_ name: String, _ shape: [Int], _ initializer: Initializer, _ values: [Float]) {
            (self.name, self.shape, self.initializer, self.values) = (name, shape, initializer, values)
        }
    }

    /// Of a decoder with one layer, as `state_dict` of torch.nn.TransformerDecoderLayer has them.
    private static let decoder: [Row] = [
        Row("tok_embeddings.weight", [37, 24], .normal(1), [1.4548776, -0.347579929, 0.555112164]),
        Row(
            "layers.0.self_attn.in_proj_weight", [72, 24], .uniform(0.25), [-0.134556713, -0.0589317434, 0.061165028]),
        Row("layers.0.self_attn.in_proj_bias", [72], .constant(0), [0, 0, 0]),
        Row(
            "layers.0.self_attn.out_proj.weight", [24, 24], .uniform(0.204124145),
            [0.070283904, 0.101449521, 0.0503618771]),
        Row("layers.0.self_attn.out_proj.bias", [24], .constant(0), [0, 0, 0]),
        Row(
            "layers.0.multihead_attn.in_proj_weight", [72, 24], .uniform(0.25),
            [-0.0395382544, 0.221001166, -0.186728587]),
        Row("layers.0.multihead_attn.in_proj_bias", [72], .constant(0), [0, 0, 0]),
        Row(
            "layers.0.multihead_attn.out_proj.weight", [24, 24], .uniform(0.204124145),
            [0.020973778, -0.0278165276, 0.118064039]),
        Row("layers.0.multihead_attn.out_proj.bias", [24], .constant(0), [0, 0, 0]),
        Row("layers.0.linear1.weight", [40, 24], .uniform(0.204124145), [-0.19875014, -0.0534526267, 0.0146314451]),
        Row("layers.0.linear1.bias", [40], .uniform(0.204124145), [0.0369180792, -9.9679782e-06, -0.189991807]),
        Row("layers.0.linear2.weight", [24, 40], .uniform(0.158113883), [0.157805767, -0.00358858716, -0.107096331]),
        Row("layers.0.linear2.bias", [24], .uniform(0.158113883), [-0.0160410544, 0.103921116, -0.0212136483]),
        Row("layers.0.norm1.weight", [24], .constant(1), [1, 1, 1]),
        Row("layers.0.norm1.bias", [24], .constant(0), [0, 0, 0]),
        Row("layers.0.norm2.weight", [24], .constant(1), [1, 1, 1]),
        Row("layers.0.norm2.bias", [24], .constant(0), [0, 0, 0]),
        Row("layers.0.norm3.weight", [24], .constant(1), [1, 1, 1]),
        Row("layers.0.norm3.bias", [24], .constant(0), [0, 0, 0]),
        Row("norm.weight", [24], .constant(1), [1, 1, 1]),
        Row("norm.bias", [24], .constant(0), [0, 0, 0]),
        Row("output.weight", [37, 24], .uniform(0.204124145), [-0.128524287, 0.0416733847, 0.170060081]),
        Row("output.bias", [37], .uniform(0.204124145), [-0.0425613382, 0.146153012, -0.0895920876]),
    ]

    /// Of a gpt with two layers, as nanoGPT has them.
    private static let gpt: [Row] = [
        Row("transformer.wte.weight", [37, 24], .normal(0.02), [-0.0145797889, -0.0092756963, 0.0236344441]),
        Row("transformer.wpe.weight", [7, 24], .normal(0.02), [-0.0117202986, -0.019596603, -0.0215114266]),
        Row("transformer.h.0.ln_1.weight", [24], .constant(1), [1, 1, 1]),
        Row("transformer.h.0.ln_1.bias", [24], .constant(0), [0, 0, 0]),
        Row("transformer.h.0.ln_2.weight", [24], .constant(1), [1, 1, 1]),
        Row("transformer.h.0.ln_2.bias", [24], .constant(0), [0, 0, 0]),
        Row(
            "transformer.h.0.attn.c_attn.weight", [72, 24], .normal(0.02), [0.0188188099, -0.0210078673, 0.00605129711]),
        Row("transformer.h.0.attn.c_attn.bias", [72], .constant(0), [0, 0, 0]),
        Row(
            "transformer.h.0.attn.c_proj.weight", [24, 24], .normal(0.01),
            [-0.0192656165, 0.00336125698, -0.00631488311]),
        Row("transformer.h.0.attn.c_proj.bias", [24], .constant(0), [0, 0, 0]),
        Row("transformer.h.0.mlp.c_fc.weight", [40, 24], .normal(0.02), [0.0045349075, 0.0120819297, -0.00668952376]),
        Row("transformer.h.0.mlp.c_fc.bias", [40], .constant(0), [0, 0, 0]),
        Row(
            "transformer.h.0.mlp.c_proj.weight", [24, 40], .normal(0.01), [-0.00178410316, 0.0111275224, 0.00603166293]),
        Row("transformer.h.0.mlp.c_proj.bias", [24], .constant(0), [0, 0, 0]),
        Row("transformer.h.1.ln_1.weight", [24], .constant(1), [1, 1, 1]),
        Row("transformer.h.1.ln_1.bias", [24], .constant(0), [0, 0, 0]),
        Row("transformer.h.1.ln_2.weight", [24], .constant(1), [1, 1, 1]),
        Row("transformer.h.1.ln_2.bias", [24], .constant(0), [0, 0, 0]),
        Row(
            "transformer.h.1.attn.c_attn.weight", [72, 24], .normal(0.02), [0.0217056858, -0.0260131955, 0.0229533518]),
        Row("transformer.h.1.attn.c_attn.bias", [72], .constant(0), [0, 0, 0]),
        Row(
            "transformer.h.1.attn.c_proj.weight", [24, 24], .normal(0.01),
            [-0.00981187272, -0.014830129, 0.00396888731]),
        Row("transformer.h.1.attn.c_proj.bias", [24], .constant(0), [0, 0, 0]),
        Row("transformer.h.1.mlp.c_fc.weight", [40, 24], .normal(0.02), [-0.0277011693, 0.0205750427, 0.00650429154]),
        Row("transformer.h.1.mlp.c_fc.bias", [40], .constant(0), [0, 0, 0]),
        Row(
            "transformer.h.1.mlp.c_proj.weight", [24, 40], .normal(0.01),
            [-0.000679826792, 0.00631022412, 0.0176497106]),
        Row("transformer.h.1.mlp.c_proj.bias", [24], .constant(0), [0, 0, 0]),
        Row("transformer.ln_f.weight", [24], .constant(1), [1, 1, 1]),
        Row("transformer.ln_f.bias", [24], .constant(0), [0, 0, 0]),
        Row("lm_head.weight", [37, 24], .normal(0.02), [0.00767004622, -0.0144244188, -0.0296419403]),
    ]

    private func spec(_ architecture: Architecture, layers: Int) -> ModelSpec {
        var spec = ModelSpec()
        spec.architecture = architecture
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (37, 24, layers, 3)
        (spec.hidden, spec.sequenceLength) = (40, 7)
        return spec
    }

    /// By training a step that is too short to change anything.
    private func start(_ spec: ModelSpec, seed: UInt64) throws -> CheckpointImage {
        var configuration = RunConfiguration(model: spec.model(), schedule: .gpipe(ranks: 2, microbatches: 1))
        configuration.partition = .balanced
        configuration.batchSize = 1
        (configuration.warmupSteps, configuration.measuredSteps) = (0, 1)
        configuration.optimizer = .sgd(rate: 1e-30)
        (configuration.keepsWeights, configuration.seed) = (true, seed)
        return try #require(try RunPlan(configuration).run().weights)
    }

    @Test(
        "names, shapes, the bounds of starts and the starts themselves are PyTorch's and those of the description",
        arguments: Architecture.allCases)
    func starts(architecture: Architecture) throws {
        let rows = architecture == .decoder ? Self.decoder : Self.gpt
        let spec = spec(architecture, layers: architecture == .decoder ? 1 : 2)
        let planned = spec.model().units.flatMap { $0.cost(BatchShape(sequences: 1, sequenceLength: 7)).parameters }
        #expect(planned.map(\.name).sorted() == rows.map(\.name).sorted())
        let image = try start(spec, seed: 7)
        for row in rows {
            let parameter = try #require(planned.first { $0.name == row.name })
            #expect(parameter.shape == (row.shape.count == 1 ? Shape(row.shape[0]) : Shape(row.shape[0], row.shape[1])))
            #expect(isNear(parameter.initializer, row.initializer), "\(row.name) starts \(parameter.initializer)")
            let kept = try #require(image.parameters.first { $0.name == row.name })
            let values = image.tensor(kept).values
            let some = [values[0], values[1], values.last!]
            #expect(
                zip(some, row.values).allSatisfy { abs($0 - $1) <= 1e-6 * max(abs($1), 1e-3) }, "\(row.name): \(some)")
        }
    }

    private func isNear(_ a: Initializer, _ b: Initializer) -> Bool {
        switch (a, b) {
        case (.constant(let a), .constant(let b)): a == b
        case (.uniform(let a), .uniform(let b)), (.normal(let a), .normal(let b)): abs(a - b) <= 1e-6 * b
        default: false
        }
    }

    @Test(
        "weights before a residual start by the root of twice the layers smaller",
        arguments: [(1, 0.0141421356), (8, 0.005), (50, 0.002)])
    func residual(layers: Int, deviation: Float) {
        let units = spec(.gpt, layers: layers).model().units
        let parameters = units.flatMap { $0.cost(BatchShape(sequences: 1, sequenceLength: 7)).parameters }
        for parameter in parameters where parameter.name.hasSuffix("weight") && !parameter.name.contains("ln_") {
            let expected: Float = parameter.name.hasSuffix("c_proj.weight") ? deviation : 0.02
            #expect(
                isNear(parameter.initializer, .normal(expected)), "\(parameter.name) starts \(parameter.initializer)")
        }
    }

    /// A parameter's mean and deviation, over what it is told to have; and the part that is above 0.
    private func moments(_ image: CheckpointImage, _ name: String) throws -> (
        mean: Double, deviation: Double, above: Double
    ) {
        let values = image.tensor(try #require(image.parameters.first { $0.name == name })).values.map(Double.init)
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        return (mean, variance.squareRoot(), Double(values.count { $0 > 0 }) / count)
    }

    @Test(
        "starts are as wide as they should be, with as many below 0 as above, and other ones for another seed and name")
    func distributions() throws {
        var spec = spec(.decoder, layers: 1)
        spec.vocabulary = 400
        let image = try start(spec, seed: 1)
        // Within five standard errors.
        for (name, deviation, count) in [
            ("tok_embeddings.weight", 1, 9600), ("output.weight", 0.204124145 / 3.0.squareRoot(), 9600),
            ("layers.0.self_attn.in_proj_weight", 0.25 / 3.0.squareRoot(), 1728),
        ] as [(String, Double, Double)] {
            let (mean, measured, above) = try moments(image, name)
            #expect(abs(measured / deviation - 1) < 5 / (2 * count).squareRoot(), "\(name) deviates by \(measured)")
            #expect(abs(mean) < 5 * deviation / count.squareRoot(), "\(name) has mean \(mean)")
            #expect(abs(above - 0.5) < 2.5 / count.squareRoot(), "\(above) of \(name) are above 0")
        }
        func first(_ image: CheckpointImage, _ name: String) throws -> [Float] {
            Array(image.tensor(try #require(image.parameters.first { $0.name == name })).values.prefix(50))
        }
        let (own, cross) = ("layers.0.self_attn.in_proj_weight", "layers.0.multihead_attn.in_proj_weight")
        #expect(Set(try first(image, own)).isDisjoint(with: try first(image, cross)))
        #expect(Set(try first(image, own)).isDisjoint(with: try first(try start(spec, seed: 2), own)))
    }
}
