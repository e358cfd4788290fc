// SPDX-License-Identifier: Apache-2.0

/// Planned runs, run in turns: what was predicted of each beside what was measured.
public struct PlanCheck: Sendable {
    /// As they were given.
    public let runs: [PlannedRun]
    /// For each run and round, the step in the middle of its measured steps, told by cause.
    public let measured: [[Breakdown]]

    /// Runs each once a round, every other round the other way round.
    /// - Parameters:
    ///   - runs: at least one.
    ///   - rounds: at least one.
    ///   - progress: called before each run, with the runs done and the runs in all.
    /// - Throws: as a run.
    public init(
        _ runs: [PlannedRun], rounds: Int, progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
    ) throws(RunError) {
        var measured: [[Breakdown]] = runs.map { _ in [] }
        for round in 0..<rounds {
            for index in round % 2 == 0 ? Array(runs.indices) : runs.indices.reversed() {
                progress(measured.reduce(0) { $0 + $1.count }, runs.count * rounds)
                var configuration = runs[index].configuration
                (configuration.keepsTimeline, configuration.warmupSteps, configuration.measuredSteps) = (true, 2, 6)
                guard let timed = RunFigures(try RunPlan(configuration).run()).timed else { continue }
                measured[index].append(timed.typicalStep.breakdown)
            }
        }
        (self.runs, self.measured) = (runs, measured)
    }

    /// For each run, its measured steps, in seconds.
    public var steps: [Statistics] { measured.map { Statistics($0.map(\.step)) } }
    /// For each run, by how much its predicted step is longer, as a part of the measured median.
    public var errors: [Double] { zip(runs, steps).map { $0.step / $1.median - 1 } }
    /// By how much the first run's measured median is above the least of all.
    public var firstOverBest: Double { steps[0].median / steps.map(\.median).min()! - 1 }
}
