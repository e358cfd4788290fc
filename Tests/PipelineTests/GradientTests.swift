// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing

struct GradientTests {
    static let batches = [
        BatchShape(sequences: 1, sequenceLength: 1), BatchShape(sequences: 2, sequenceLength: 5),
        BatchShape(sequences: 3, sequenceLength: 17),
    ]

    /// Every layer and block, with widths that are no multiples of anything.
    static let cases: [LayerCase] = [
        LayerCase("linear", inputs: 7, outputs: 13) { Linear("l", inputs: 7, outputs: 13, plan: &$0) },
        LayerCase("linear without bias", inputs: 19, outputs: 5) {
            Linear("l", inputs: 19, outputs: 5, hasBias: false, plan: &$0)
        },
        LayerCase("layer norm", inputs: 11, outputs: 11) { LayerNorm("n", columns: 11, plan: &$0) },
        LayerCase("self-attention", inputs: 15, outputs: 15) { selfAttention(causal: false, &$0) },
        LayerCase("causal self-attention", inputs: 15, outputs: 15) { selfAttention(causal: true, &$0) },
        LayerCase("feed-forward with ReLU", inputs: 9, outputs: 9) { feedForward(.relu, &$0) },
        LayerCase("feed-forward with GELU", inputs: 9, outputs: 9) { feedForward(.gelu, &$0) },
        LayerCase("decoder attention", inputs: 21, outputs: 21) {
            DecoderAttention("d", dim: 21, heads: 3, plan: &$0)
        },
        LayerCase("decoder feed-forward", inputs: 10, outputs: 10) {
            DecoderFeedForward("d", dim: 10, hidden: 23, plan: &$0)
        },
        LayerCase("gpt attention", inputs: 14, outputs: 14) {
            PreNormBlock.attention("g", dim: 14, heads: 2, layers: 2, plan: &$0)
        },
        LayerCase("gpt feed-forward", inputs: 14, outputs: 14) {
            PreNormBlock.feedForward("g", dim: 14, hidden: 31, layers: 2, plan: &$0)
        },
        LayerCase("embedding", inputs: 0, outputs: 6) {
            Embedding("e", vocabulary: 9, dim: 6, initializer: .normal(1), plan: &$0)
        },
        LayerCase("embedding with positions", inputs: 0, outputs: 6) {
            Embedding(
                "e", positions: "p", vocabulary: 9, dim: 6, initializer: .normal(1), dropout: DropoutSite("e"),
                plan: &$0)
        },
        LayerCase("loss head", inputs: 12, outputs: 0) { plan in
            let norm = LayerNorm("n", columns: 12, plan: &plan)
            let project = Linear("o", inputs: 12, outputs: 9, plan: &plan)
            return LossHead(norm: norm, project: project, dim: 12, vocabulary: 9, plan: &plan)
        },
    ]

    @Test("finite differences agree with the backward of every layer", arguments: cases, batches)
    func finiteDifferences(layer: LayerCase, batch: BatchShape) throws {
        for level in SIMDLevel.allCases where level.isSupported {
            let probe = try LayerProbe(
                layer.unit, inputColumns: layer.inputs, batch: batch, seed: 3, simd: level)
            fill(probe, seed: 5)
            for (name, error) in probe.gradientErrors() {
                #expect(error < 4e-3, "\(layer), \(level.rawValue), gradient of \(name)")
            }
        }
    }

    @Test("finite differences agree with dropout on, its masks being the same each time", arguments: cases)
    func finiteDifferencesWithDropout(layer: LayerCase) throws {
        for level in SIMDLevel.allCases where level.isSupported {
            let probe = try LayerProbe(
                layer.unit, inputColumns: layer.inputs, batch: Self.batches[2], seed: 3, simd: level, dropout: 0.3)
            fill(probe, seed: 5)
            for (name, error) in probe.gradientErrors() {
                #expect(error < 4e-3, "\(layer), \(level.rawValue), gradient of \(name)")
            }
        }
    }

    @Test("finite differences agree for attention over more rows than a block has", arguments: [64, 65, 130])
    func longSequences(length: Int) throws {
        for (isCausal, dropout) in [(false, 0.2), (true, 0)] {
            let unit = Unit(name: "attention", layer: nil, outputColumns: 15) {
                Self.selfAttention(causal: isCausal, &$0)
            }
            let probe = try LayerProbe(
                unit, inputColumns: 15, batch: BatchShape(sequences: 1, sequenceLength: length), seed: 3,
                dropout: dropout)
            fill(probe, seed: 5)
            for (name, error) in probe.gradientErrors(directions: 1) {
                #expect(error < 4e-3, "\(isCausal) gradient of \(name)")
            }
        }
    }

    @Test("a causal mask hides what comes later, whatever block it is in") func causality() throws {
        let unit = Unit(name: "attention", layer: nil, outputColumns: 15) { Self.selfAttention(causal: true, &$0) }
        let probe = try LayerProbe(
            unit, inputColumns: 15, batch: BatchShape(sequences: 1, sequenceLength: 150), seed: 3)
        fill(probe, seed: 5)
        probe.forward()
        let before = probe.y.values
        for column in 0..<15 { probe.x[100 * 15 + column] += 1 }
        probe.forward()
        let changed = (0..<150).map { probe.y.rows($0..<$0 + 1).values != Array(before[$0 * 15..<$0 * 15 + 15]) }
        #expect(changed == (0..<150).map { $0 >= 100 })
    }

    @Test("a backward that is wrong by a factor is found by finite differences")
    func wrongBackward() throws {
        let unit = Unit(name: "wrong", layer: nil, outputColumns: 6) { WrongScale("s", columns: 6, plan: &$0) }
        let probe = try LayerProbe(unit, inputColumns: 6, batch: BatchShape(sequences: 2, sequenceLength: 3))
        fill(probe, seed: 5)
        #expect(probe.gradientErrors()["x"]! > 1e-2)
    }

    @Test(
        "a layer that breaks the contract is found, though its gradients of one microbatch are right",
        arguments: Breach.allCases)
    func breaches(breach: Breach) throws {
        let unit = Unit(name: "breach", layer: nil, outputColumns: 6) { Careless(breach, plan: &$0) }
        let probe = try LayerProbe(unit, inputColumns: 6, batch: BatchShape(sequences: 2, sequenceLength: 3))
        fill(probe, seed: 5)
        let errors = probe.gradientErrors()
        let expected: Set<String> =
            switch breach {
            case .none: []
            case .addsToY: ["x", "s.scale"]
            case .addsToDX, .writesX: ["x"]
            case .writesDY: ["dy"]
            case .overwritesGradient: ["s.scale"]
            }
        #expect(Set(errors.filter { $0.value > 1e-3 }.keys).isSuperset(of: expected), "\(errors)")
        #expect(!expected.isEmpty || errors.values.allSatisfy { $0 < 1e-3 }, "\(errors)")
    }

    @Test("gradients of weights add up over microbatches")
    func accumulation() throws {
        let unit = Unit(name: "linear", layer: nil, outputColumns: 3) { Linear("l", inputs: 4, outputs: 3, plan: &$0) }
        let probe = try LayerProbe(unit, inputColumns: 4, batch: BatchShape(sequences: 1, sequenceLength: 2))
        fill(probe, seed: 1)
        probe.forward()
        probe.backwardInput()
        probe.backwardWeights()
        let once = probe.gradient(probe.parameters[0]).values
        probe.backwardWeights()
        #expect(probe.gradient(probe.parameters[0]).values == once.map { 2 * $0 })
    }

    private static func selfAttention(causal: Bool, _ plan: inout StagePlan) -> SelfAttention {
        let project = Linear("in", inputs: 15, outputs: 45, plan: &plan)
        let output = Linear("out", inputs: 15, outputs: 15, plan: &plan)
        return SelfAttention(
            dim: 15, heads: 3, isCausal: causal, project: project, output: output, dropout: DropoutSite("a"),
            plan: &plan)
    }

    private static func feedForward(_ activation: Activation, _ plan: inout StagePlan) -> FeedForward {
        let up = Linear("up", inputs: 9, outputs: 22, plan: &plan)
        let down = Linear("down", inputs: 22, outputs: 9, plan: &plan)
        return FeedForward(activation, hidden: 22, up: up, down: down, dropout: DropoutSite("f"), plan: &plan)
    }

    private func fill(_ probe: LayerProbe, seed: UInt64) {
        var generator = SplitMix(state: seed)
        for index in 0..<probe.x.count { probe.x[index] = Float.random(in: -1...1, using: &generator) }
        for index in 0..<probe.dy.count { probe.dy[index] = Float.random(in: -1...1, using: &generator) }
        for index in 0..<probe.tokens.count {
            probe.tokens[index] = Int32.random(in: 0..<9, using: &generator)
            probe.targets[index] = Int32.random(in: 0..<9, using: &generator)
        }
        // Central differences are wrong across ReLU's kink: these biases keep every input of it on one side.
        for parameter in probe.parameters where ["up.bias", "d.linear1.bias"].contains(parameter.name) {
            let bias = probe.weight(parameter)
            for index in 0..<bias.count { bias[index] = index % 2 == 0 ? 4 : -4 }
        }
    }
}

/// A layer to be tried out, with its widths.
struct LayerCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let inputs: Int
    let unit: Unit

    init<Made: Layer>(
        _ name: String, inputs: Int, outputs: Int, make: @escaping @Sendable (inout StagePlan) -> Made
    ) {
        testDescription = name
        self.inputs = inputs
        unit = Unit(name: name, layer: nil, outputColumns: outputs, make: make)
    }
}

/// A layer as a user would write it: y = x * scale, column by column.
struct Scale: Layer {
    let scale: Parameter

    init(_ name: String, columns: Int, plan: inout StagePlan) {
        scale = plan.parameter("\(name).scale", Shape(columns), .constant(1.5))
    }

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        for index in 0..<x.count { y[index] = x[index] * frame[scale][index % scale.shape.count] }
    }

    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        for index in 0..<x.count { dx[index] = dy[index] * frame[scale][index % scale.shape.count] }
    }

    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        let gradient = frame.gradient(of: scale)
        for index in 0..<x.count { gradient[index % scale.shape.count] += dy[index] * x[index] }
    }
}

/// The same with a mistake in one backward.
struct WrongScale: Layer {
    let right: Scale
    init(_ name: String, columns: Int, plan: inout StagePlan) { right = Scale(name, columns: columns, plan: &plan) }
    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) { right.forward(x, into: y, frame) }
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        right.backwardInput(dy, input: x, into: dx, frame)
        for index in 0..<dx.count { dx[index] *= 1.05 }
    }
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        right.backwardWeights(dy, input: x, frame)
    }
}

/// What a layer may get wrong besides its gradients.
enum Breach: CaseIterable { case none, addsToY, addsToDX, writesX, writesDY, overwritesGradient }

/// `Scale`, but for that.
private struct Careless: Layer {
    let right: Scale
    let breach: Breach

    init(_ breach: Breach, plan: inout StagePlan) {
        self.breach = breach
        right = Scale("s", columns: 6, plan: &plan)
    }

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        let before = y.values
        right.forward(x, into: y, frame)
        if breach == .addsToY { for index in 0..<y.count { y[index] += before[index] } }
    }

    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        let before = dx.values
        right.backwardInput(dy, input: x, into: dx, frame)
        if breach == .addsToDX { for index in 0..<dx.count { dx[index] += before[index] } }
        if breach == .writesX { x[0] = x[0] + 1 }
        if breach == .writesDY { dy[0] = dy[0] + 1 }
    }

    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        if breach == .overwritesGradient { frame.gradient(of: right.scale).fill(0) }
        right.backwardWeights(dy, input: x, frame)
    }
}
