// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// How fast steps are simulated, with all their terms, each rank's idle time and the bound: many small ones, each from its order on, and a
/// large one.
struct SimulationBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    func run() throws(BenchmarkError) {
        do throws(ScheduleError) {
            try many()
            try large()
        } catch {
            throw .failed("\(error)")
        }
    }

    private func many() throws(ScheduleError) {
        let count = effort.isShort ? 100 : 10_000
        let kinds = ScheduleKind.ofOneCopy
        var random = SeededNumbers(seed: 7)
        var sum = 0.0
        let start = Clock.now()
        for index in 0..<count {
            let schedule = kinds[index % kinds.count].make(ranks: 8, microbatches: 32)
            let run = try SimulatedRun(schedule, costs(schedule.stagesOfCopy, &random), SimulationSettings())
            sum += run.breakdown.step + run.gap + run.idleOfRank.reduce(0, +)
        }
        tell("\(count) simulations of P=8, M=32, \(kinds.count) orders in turns", since: start)
        print("checksum \(sum)")
    }

    private func large() throws(ScheduleError) {
        let (ranks, microbatches) = effort.isShort ? (64, 128) : (1024, 8192)
        var random = SeededNumbers(seed: 7)
        let start = Clock.now()
        let schedule = Schedule.oneFOneB(ranks: ranks, microbatches: microbatches)
        let run = try SimulatedRun(schedule, costs(ranks, &random), SimulationSettings())
        tell("1F1B of P=\(ranks), M=\(microbatches)", since: start)
        print("step \(run.breakdown.step), bound \(run.bound.value)")
    }

    private func tell(_ what: String, since start: UInt64) {
        print("\(what): \((Double(Clock.now() - start) / 1e9).short) s")
    }

    private func costs(_ stages: Int, _ random: inout SeededNumbers) -> StageCosts {
        StageCosts(
            stages: (0..<stages).map { _ in
                ChunkCosts(
                    forward: 1 + random.next(), inputGradient: 1 + random.next(), weightGradient: 1 + random.next())
            }, packing: (0..<stages).map { _ in random.next() }, updates: (0..<stages).map { _ in random.next() },
            link: LinkCost(latency: 0.1 * random.next(), bytesPerSecond: 1000),
            itemBytes: (0..<stages).map { _ in 100 })
    }
}

/// Uniform in [0, 1), the same for the same seed.
private struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> Double {
        // Knuth's MMIX.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) * 0x1p-53
    }
}
