// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Synchronization
import Testing

struct DropoutTests {
    private static let rate = 0.3

    @Test("layers drop where PyTorch's decoder layer and nanoGPT do, by sites with their names")
    func places() throws {
        try expect({ DecoderAttention("d", dim: 12, heads: 3, plan: &$0) }, { try $0.decoderAttention("d") })
        try expect({ DecoderFeedForward("d", dim: 12, hidden: 31, plan: &$0) }, { try $0.decoderFeedForward("d") })
        try expect(
            { PreNormBlock.attention("g", dim: 12, heads: 3, layers: 2, plan: &$0) }, { try $0.gptAttention("g") })
        try expect(
            { PreNormBlock.feedForward("g", dim: 12, hidden: 31, layers: 2, plan: &$0) },
            { try $0.gptFeedForward("g") })
        var spec = ModelSpec()
        (spec.architecture, spec.dim, spec.vocabulary, spec.sequenceLength) = (.gpt, 12, 9, 5)
        try expect(spec.model().units[0], inputColumns: 0) {
            try $0.embedding("transformer.wte", "transformer.wpe", "transformer.drop")
        }
    }

    @Test("another site, seed, microbatch or step is another mask; the same ones give the same")
    func differentMasks() throws {
        let masks = try [
            mask("a", 500), mask("b", 500), mask("a", 500, seed: 1), mask("a", 500, microbatch: 1),
            mask("a", 500, step: 1),
        ]
        #expect(Set(masks).count == masks.count)
        #expect(try mask("a", 500) == masks[0])
    }

    @Test("every microbatch of every step has a mask of its own, and a forward done again has the same one")
    func masksOfRun() throws {
        let plain = try recordedMasks(recomputes: false)
        #expect(plain.count == 6 && Set(plain).count == 6)
        let twice = try recordedMasks(recomputes: true)
        #expect(twice.count == 12 && plain.allSatisfy { mask in twice.count { $0 == mask } == 2 })
    }

    @Test("forwards alone drop nothing") func evaluation() throws {
        let masks = try recordedMasks(recomputes: false) { $0.schedule = $0.schedule.forwardOnly() }
        #expect(Set(masks) == [Array(repeating: 1, count: 30)])
    }

    @Test("a rate that drops everything, or less than nothing, is refused", arguments: [1, -0.1, .nan, .infinity])
    func refusal(rate: Double) {
        #expect {
            _ = try recordedMasks(recomputes: false) { $0.dropout = rate }
        } throws: { error in
            guard case .configuration("--dropout", _)? = error as? RunError else { return false }
            return true
        }
    }

    // MARK: Masks

    /// What a site multiplies elements by.
    private func mask(
        _ site: String, _ count: Int, seed: UInt64 = 3, microbatch: Int = 0, step: Int = 0
    ) throws -> [Double] {
        let unit = Unit(name: "dropout", layer: nil, outputColumns: 1) { Dropped(site, plan: &$0) }
        let probe = try LayerProbe(
            unit, inputColumns: 1, batch: BatchShape(sequences: 1, sequenceLength: count), seed: seed,
            dropout: Self.rate, microbatch: microbatch, step: step)
        probe.x.fill(1)
        probe.forward()
        return probe.y.values.map(Double.init)
    }

    private func expect<Made: Layer>(
        _ make: @escaping @Sendable (inout StagePlan) -> Made, _ expected: (ReferenceLayers) throws -> [[Double]]
    ) throws {
        try expect(Unit(name: "layer", layer: nil, outputColumns: 12, make: make), inputColumns: 12, is: expected)
    }

    /// Compares a layer's output with that of its naive twin, which takes each site's mask from a layer of its own.
    private func expect(_ unit: Unit, inputColumns: Int, is expected: (ReferenceLayers) throws -> [[Double]]) throws {
        let batch = BatchShape(sequences: 2, sequenceLength: 5)
        let (microbatch, step) = (2, 7)
        let probe = try LayerProbe(
            unit, inputColumns: inputColumns, batch: batch, seed: 3, dropout: Self.rate, microbatch: microbatch,
            step: step)
        var generator = SplitMix(state: 5)
        for index in 0..<probe.x.count { probe.x[index] = Float.random(in: -1...1, using: &generator) }
        for index in 0..<probe.tokens.count { probe.tokens[index] = Int32.random(in: 0..<9, using: &generator) }
        probe.forward()
        let reference = ReferenceLayers(probe: probe, batch: batch, heads: 3) { site, count in
            try mask(site, count, microbatch: microbatch, step: step)
        }
        let worst = zip(probe.y.values, try expected(reference).joined()).map { abs(Double($0) - $1) }.max()!
        #expect(worst < 1e-5)
    }

    /// The masks of one site in a run of two microbatches and three steps, in the order of the forwards.
    private func recordedMasks(
        recomputes: Bool, change: (inout RunConfiguration) -> Void = { _ in }
    ) throws -> [[Float]] {
        let log = MaskLog()
        let model = Model(
            name: "recorder", vocabulary: 11, sequenceLength: 3, layers: 1,
            units: [
                Unit(name: "embedding", layer: nil, outputColumns: 10) {
                    Embedding("e", vocabulary: 11, dim: 10, initializer: .normal(1), plan: &$0)
                },
                Unit(name: "recorder", layer: 0, outputColumns: 10) { Dropped("site", log: log, plan: &$0) },
                Unit(name: "head", layer: nil, outputColumns: 0) { plan in
                    let norm = LayerNorm("norm", columns: 10, plan: &plan)
                    let project = Linear("out", inputs: 10, outputs: 11, plan: &plan)
                    return LossHead(norm: norm, project: project, dim: 10, vocabulary: 11, plan: &plan)
                },
            ])
        var configuration = RunConfiguration(model: model, schedule: .gpipe(ranks: 1, microbatches: 2))
        (configuration.batchSize, configuration.warmupSteps, configuration.measuredSteps) = (2, 1, 2)
        (configuration.dropout, configuration.recomputes) = (Self.rate, recomputes)
        change(&configuration)
        _ = try RunPlan(configuration).run()
        return log.masks
    }
}

private final class MaskLog: Sendable {
    private let list = Mutex<[[Float]]>([])
    var masks: [[Float]] { list.withLock { $0 } }
    func add(_ mask: [Float]) { list.withLock { $0.append(mask) } }
}

/// A layer as a user would write it: y = dropout(x). It may log what it multiplies by.
private struct Dropped: Layer {
    let site: DropoutSite
    let log: MaskLog?

    init(_ name: String, log: MaskLog? = nil, plan: inout StagePlan) {
        site = DropoutSite(name)
        self.log = log
    }

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        y.fill(1)
        if frame.drops { frame.drop(site, y, into: y) }
        log?.add(y.values)
        for index in 0..<x.count { y[index] *= x[index] }
    }

    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        dx.copy(from: dy)
        if frame.drops { frame.drop(site, dx, into: dx) }
    }

    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {}
}
