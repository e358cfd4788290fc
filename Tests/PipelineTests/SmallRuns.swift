// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing

/// Two steps of a small model whose sizes are not round.
func smallConfiguration(_ architecture: Architecture, _ schedule: Schedule) -> RunConfiguration {
    var spec = ModelSpec()
    spec.architecture = architecture
    (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (29, 18, 4, 3)
    (spec.hidden, spec.sequenceLength) = (25, 5)
    var configuration = RunConfiguration(model: spec.model(), schedule: schedule)
    configuration.batchSize = 12
    configuration.warmupSteps = 0
    configuration.measuredSteps = 2
    configuration.keepsWeights = true
    configuration.keepsGradients = true
    return configuration
}

/// Runs it.
func train(
    _ architecture: Architecture, _ schedule: Schedule, _ partition: PartitionChoice = .uniform,
    change: (inout RunConfiguration) -> Void = { _ in }
) throws -> RunResult {
    var configuration = smallConfiguration(architecture, schedule)
    configuration.partition = partition
    change(&configuration)
    return try RunPlan(configuration).run()
}

/// That a run has the one-stage run's bits, or agrees to rounding where its schedule promises no more.
func expectPromised(_ result: RunResult, _ baseline: RunResult) {
    if result.plan.facts.bits == .asOneStage { return expectSameBits(result, baseline) }
    #expect(result.difference(fromOneStage: baseline) == nil, "\(result.plan.schedule.name)")
}

/// Losses, gradients and weights.
func expectSameBits(_ result: RunResult, _ baseline: RunResult) {
    let label = "\(result.plan.schedule.name) \(result.plan.layout)"
    #expect(result.losses.map(\.bitPattern) == baseline.losses.map(\.bitPattern), "\(label)")
    #expect(result.gradients!.differences(from: baseline.gradients!) == [], "\(label)")
    #expect(result.weights!.differences(from: baseline.weights!) == [], "\(label)")
}

/// Embedding, a linear map to another width, the given unit of six columns, loss.
func chain(with unit: Unit) -> Model {
    Model(
        name: "chain", vocabulary: 11, sequenceLength: 3, layers: 1,
        units: [
            embedding(columns: 10, vocabulary: 11),
            Unit(name: "narrow", layer: nil, outputColumns: 6) { Linear("n", inputs: 10, outputs: 6, plan: &$0) },
            unit, lossHead(columns: 6, vocabulary: 11),
        ])
}
