// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import SharedTensor
import Testing

/// Against PyTorch's figures in `Golden` (made by Benchmarks/peers/make_golden.py): the same start and tokens, three
/// steps of Adam.
struct ParityTests {
    /// What golden.json holds: the sizes of the run and PyTorch's losses.
    private struct Golden: Decodable {
        let vocab, dim, layers, heads, ffn, seq, batch, microbatches, steps: Int
        let lr: Double
        let losses: [Double]
    }

    private static let limitOfLosses = 1e-5
    private static let limitOfTensors = 1e-4

    @Test(
        "losses, every gradient and every weight after three Adam steps are PyTorch's",
        arguments: Architecture.allCases, [1, 2])
    func threeSteps(architecture: Architecture, ranks: Int) throws {
        let golden = try golden(architecture)
        let result = try train(architecture, golden, ranks: ranks, steps: golden.steps)
        #expect(result.losses.count == golden.losses.count)
        for (loss, expected) in zip(result.losses, golden.losses) {
            #expect(abs(Double(loss) - expected) < Self.limitOfLosses)
        }
        try expectClose(result.gradients!, architecture, "grads_step3")
        try expectClose(result.weights!, architecture, "weights_step3")
    }

    @Test("the first step's gradients are PyTorch's", arguments: Architecture.allCases)
    func firstStep(architecture: Architecture) throws {
        let result = try train(architecture, golden(architecture), ranks: 2, steps: 1)
        try expectClose(result.gradients!, architecture, "grads_step1")
    }

    @Test("a learning rate that is a twentieth off, or other tokens, would be seen", arguments: Architecture.allCases)
    func sensitivity(architecture: Architecture) throws {
        let golden = try golden(architecture)
        let other = try train(architecture, golden, ranks: 1, steps: golden.steps) {
            $0.optimizer = .adam(rate: golden.lr * 1.05)
        }
        #expect(try worst(other.weights!, architecture, "weights_step3") > Self.limitOfTensors)
        let shifted = try train(architecture, golden, ranks: 1, steps: golden.steps) { $0.tokens = .random(seed: 0) }
        #expect(try worst(shifted.gradients!, architecture, "grads_step3") > Self.limitOfTensors)
    }

    // MARK: Files

    private func path(_ architecture: Architecture, _ name: String) -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        return folder.appending(path: architecture.rawValue).appending(path: name).path
    }

    private func golden(_ architecture: Architecture) throws -> Golden {
        let data = try Data(contentsOf: URL(filePath: path(architecture, "golden.json")))
        return try JSONDecoder().decode(Golden.self, from: data)
    }

    private func train(
        _ architecture: Architecture, _ golden: Golden, ranks: Int, steps: Int,
        change: (inout RunConfiguration) -> Void = { _ in }
    ) throws -> RunResult {
        var spec = ModelSpec()
        spec.architecture = architecture
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (golden.vocab, golden.dim, golden.layers, golden.heads)
        (spec.hidden, spec.sequenceLength) = (golden.ffn, golden.seq)
        var configuration = RunConfiguration(
            model: spec.model(), schedule: .oneFOneB(ranks: ranks, microbatches: golden.microbatches))
        configuration.batchSize = golden.batch
        configuration.optimizer = .adam(rate: golden.lr)
        configuration.tokens = .file(try TokenFile(path: path(architecture, "tokens.bin")))
        configuration.initial = try SafetensorsFile(path: path(architecture, "init.safetensors"))
        (configuration.warmupSteps, configuration.measuredSteps) = (0, steps)
        (configuration.keepsWeights, configuration.keepsGradients) = (true, true)
        change(&configuration)
        return try RunPlan(configuration).run()
    }

    // MARK: Distances

    private func expectClose(_ image: CheckpointImage, _ architecture: Architecture, _ file: String) throws {
        for (name, distance) in try distances(image, architecture, file) {
            #expect(distance < Self.limitOfTensors, "\(file): \(name)")
        }
    }

    private func worst(_ image: CheckpointImage, _ architecture: Architecture, _ file: String) throws -> Double {
        try distances(image, architecture, file).values.max()!
    }

    /// For each tensor, the norm of the difference over the norm of PyTorch's. The biases of keys are left out: their
    /// true gradient is zero, and Adam makes whole steps of the rounding that is computed instead.
    private func distances(
        _ image: CheckpointImage, _ architecture: Architecture, _ file: String
    ) throws -> [String: Double] {
        let expected = try SafetensorsFile(path: path(architecture, "\(file).safetensors"))
        #expect(expected.names == image.parameters.map(\.name).sorted())
        var distances: [String: Double] = [:]
        for parameter in image.parameters {
            let (ours, theirs) = (image.tensor(parameter).values, try expected.values(parameter.name))
            let isFused = parameter.name.hasSuffix("in_proj_bias") || parameter.name.hasSuffix("c_attn.bias")
            let keys = isFused ? ours.count / 3..<2 * ours.count / 3 : 0..<0
            let kept = ours.indices.filter { !keys.contains($0) }
            func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
            let difference = norm(kept.map { Double(ours[$0]) - Double(theirs[$0]) })
            distances[parameter.name] = difference / norm(kept.map { Double(theirs[$0]) })
        }
        return distances
    }
}
