// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor

/// Whole training steps: what two ranks gain over one, and what processes cost over threads.
struct PipelineBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    private struct Variant {
        let name: String
        let ranks: Int
        let partition: PartitionKind
        let transport: TransportKind
    }

    private static let variants = [
        Variant(name: "P=1 threads", ranks: 1, partition: .uniform, transport: .threads),
        Variant(name: "P=2 threads, uniform", ranks: 2, partition: .uniform, transport: .threads),
        Variant(name: "P=2 threads, balanced", ranks: 2, partition: .balanced, transport: .threads),
        Variant(name: "P=2 processes, uniform", ranks: 2, partition: .uniform, transport: .processes),
        Variant(name: "P=2 processes, balanced", ranks: 2, partition: .balanced, transport: .processes),
    ]

    func run() throws(BenchmarkError) {
        for architecture in Architecture.allCases {
            for schedule in [ScheduleKind.gpipe, .oneFOneB] { try run(architecture, schedule) }
        }
    }

    private func run(_ architecture: Architecture, _ schedule: ScheduleKind) throws(BenchmarkError) {
        let model = model(architecture)
        let losses = Losses()
        let candidates = Self.variants.map { variant in
            Alternation.Candidate(name: variant.name) { () throws(BenchmarkError) in
                let result = try train(model, schedule, variant)
                try losses.check(result.losses, variant.name)
                return RunFigures(result).tokensPerSecond
            }
        }
        let alternation = try Alternation(candidates, rounds: effort.rounds, unit: "tokens/s")
        print("\(model.name), \(schedule.title), M=8, \(effort.rounds) rounds; ratios to P=1")
        print(alternation.table)
        print("processes over threads  uniform x\(alternation.ratio(3, over: 1).withQuartiles)")
        print("                        balanced x\(alternation.ratio(4, over: 2).withQuartiles)")
        print("loss \(losses.last), equal to the bit in all runs\n")
    }

    private func model(_ architecture: Architecture) -> Model {
        var spec = ModelSpec()
        spec.architecture = architecture
        if effort.isShort {
            (spec.dim, spec.hidden, spec.vocabulary, spec.sequenceLength) = (32, 64, 100, 8)
        }
        return spec.model()
    }

    private func train(
        _ model: Model, _ schedule: ScheduleKind, _ variant: Variant
    ) throws(BenchmarkError) -> RunResult {
        var configuration = RunConfiguration(
            model: model, schedule: schedule.make(ranks: variant.ranks, virtualStages: 1, microbatches: 8))
        configuration.partition = .kind(variant.partition)
        configuration.transport = variant.transport.transport
        configuration.warmupSteps = 2
        configuration.measuredSteps = 5
        do throws(RunError) {
            return try RunPlan(configuration).run()
        } catch {
            throw .failed("\(variant.name): \(error)")
        }
    }
}

/// The losses that every run must have: the benchmark's checksum.
private final class Losses {
    private var expected: [Float]?

    var last: Float { expected?.last ?? .nan }

    func check(_ losses: [Float], _ name: String) throws(BenchmarkError) {
        if let expected, expected.map(\.bitPattern) != losses.map(\.bitPattern) {
            throw .failed("\(name): losses \(losses) are not those of the first run, \(expected)")
        }
        expected = losses
    }
}
