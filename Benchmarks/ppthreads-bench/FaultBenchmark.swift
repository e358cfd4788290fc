// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// Known faults, to see whether the breakdown puts each into the column that it belongs to.
struct FaultBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    private static let stallNanoseconds: UInt64 = 2_000_000
    private static let delayNanoseconds: UInt64 = 200_000
    private static let microbatches = 4

    func run() throws(BenchmarkError) {
        try slowStage()
        try slowHandoffs()
        try emptyModel()
    }

    /// A busy wait in one stage's forward: what it adds is work, imbalance and bubble, not transport.
    private func slowStage() throws(BenchmarkError) {
        let sound = model()
        let slowed = model { name, layer in
            name == "layers.3 attention" ? StallingLayer(inner: layer, nanoseconds: Self.stallNanoseconds) : layer
        }
        let pairs = try paired(
            { () throws(BenchmarkError) in try train(sound, ThreadTransport()) },
            { () throws(BenchmarkError) in try train(slowed, ThreadTransport()) })
        print("a busy wait of 2 ms in each forward of rank 1's stage, 8 ms a step: what each term gains, ms")
        let steps = Statistics(pairs.map { ($0.1.terms.step - $0.0.terms.step) * 1000 })
        print("  step  \(steps.withQuartiles)")
        for term in Breakdown.Term.allCases {
            let gains = Statistics(pairs.map { ($0.1.terms[term] - $0.0.terms[term]) * 1000 })
            print("  \(term)  \(gains.withQuartiles)")
        }
        print("")
    }

    /// Each receiver gets its item 200 microseconds late: what that adds is transport, as much as a replay with such delays
    /// says.
    private func slowHandoffs() throws(BenchmarkError) {
        let sound = model()
        let pairs = try paired(
            { () throws(BenchmarkError) in try train(sound, ThreadTransport()) },
            { () throws(BenchmarkError) in
                try train(sound, DelayingTransport(nanoseconds: Self.delayNanoseconds))
            })
        let gained = Statistics(pairs.map { ($0.1.terms.transport - $0.0.terms.transport) * 1000 })
        let expected = Statistics(pairs.map { $0.1.delayed * 1000 })
        let ratio = Statistics(
            pairs.map { ($0.1.terms.transport - $0.0.terms.transport) / $0.1.delayed })
        print("a delay of 200 us in each hand-off, ms")
        print("  the replay with such delays, less the one without  \(expected.withQuartiles)")
        print("  transport's gain                                   \(gained.withQuartiles)")
        print("  gain over expectation                              x\(ratio.withQuartiles)\n")
    }

    /// Actions that do nothing: the step is hand-offs and the step's own overhead.
    private func emptyModel() throws(BenchmarkError) {
        print("layers that do nothing, P=2, M=4, items of 122 880 bytes that nobody touches, us")
        for kind in [TransportKind.threads, .processes] {
            let runs = try (0..<effort.rounds).map { _ throws(BenchmarkError) in
                try train(.empty, kind.transport, steps: 200)
            }
            func figure(_ value: (Observed) -> Double) -> String {
                Statistics(runs.map { value($0) * 1e6 }).withQuartiles
            }
            print(
                "  \(kind.rawValue)  step \(figure(\.terms.step)), of it work \(figure(\.terms.work)), transport "
                    + "\(figure(\.terms.transport)); a hand-off \(figure(\.handoff))")
        }
    }

    // MARK: Runs

    /// What a run showed, in seconds.
    private struct Observed {
        let terms: Breakdown
        let handoff: Double
        /// What delays of each hand-off add to the replay of its durations.
        let delayed: Double
    }

    /// Both in turns.
    private func paired(
        _ first: () throws(BenchmarkError) -> Observed, _ second: () throws(BenchmarkError) -> Observed
    ) throws(BenchmarkError) -> [(Observed, Observed)] {
        var pairs: [(Observed, Observed)] = []
        for _ in 0..<effort.rounds { pairs.append((try first(), try second())) }
        return pairs
    }

    private func model(_ wrap: @escaping @Sendable (String, any Layer) -> any Layer = { $1 }) -> Model {
        var spec = ModelSpec()
        if effort.isShort { (spec.dim, spec.hidden, spec.vocabulary, spec.sequenceLength) = (32, 64, 100, 8) }
        let sound = spec.model()
        let units = sound.units.map { unit in
            Unit(
                name: unit.name, layer: unit.layer, outputColumns: unit.outputColumns, letter: unit.letter
            ) { plan in wrap(unit.name, unit.make(&plan)) }
        }
        return Model(
            name: sound.name, vocabulary: sound.vocabulary, sequenceLength: sound.sequenceLength, layers: sound.layers,
            units: units)
    }

    private func train(
        _ model: Model, _ transport: any Transport, steps: Int = 6
    ) throws(BenchmarkError) -> Observed {
        var configuration = RunConfiguration(
            model: model, schedule: .oneFOneB(ranks: 2, microbatches: Self.microbatches))
        configuration.transport = transport
        configuration.warmupSteps = 2
        configuration.measuredSteps = steps
        let result: RunResult
        do throws(RunError) { result = try RunPlan(configuration).run() } catch { throw .failed("\(error)") }
        guard let timed = RunFigures(result).timed, let handoffs = timed.handoffSeconds else {
            throw .failed("a run without hand-offs")
        }
        return Observed(
            terms: timed.breakdown, handoff: handoffs.median,
            delayed: Statistics(timed.steps.map { Self.gainOfDelays($0.times) }).mean)
    }

    private static func gainOfDelays(_ times: StepTimes) -> Double {
        let graph = times.graph
        let durations = times.tasks.map { $0.map(\.work) }
        let losses = graph.tasks.enumerated().map { rank, list in
            list.indices.map { task in
                var losses = Replay.Losses()
                losses.ready =
                    graph.senders(of: TaskGraph.Node(rank: rank, task: task)).isEmpty
                    ? 0 : Double(delayNanoseconds) / 1e9
                return losses
            }
        }
        return Replay(graph, durations: durations, losses: losses).makespan
            - Replay(graph, durations: durations).makespan
    }
}
