// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// How short the orders are that a search finds, beside the shortest named order and what no order is shorter than.
struct SearchBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    private struct Outcome {
        let item: SearchCases.Case
        let found: FoundOrder
        let seconds: Double
    }

    func run() throws(BenchmarkError) {
        do throws(ScheduleError) {
            try table()
            try rate()
        } catch {
            throw .failed("\(error)")
        }
    }

    private func table() throws(ScheduleError) {
        let evaluations = effort.isShort ? 2000 : effort.evaluations
        print("makespans of the best named order that fits and of the found one; what no order is shorter than")
        var outcomes: [Outcome] = []
        for item in try SearchCases.drawn(effort.isShort ? 8 : 40) {
            let start = Clock.threadCPU()
            let found = try OrderSearch(item.problem, seed: 1, evaluations: evaluations).run()
            let outcome = Outcome(item: item, found: found, seconds: Double(Clock.threadCPU() - start) / 1e9)
            print(Self.line(outcome))
            outcomes.append(outcome)
        }
        for memory in SearchCases.Memory.allCases {
            Self.summary("\(memory)", outcomes.filter { $0.item.memory == memory })
        }
        Self.summary("uneven, usual", outcomes.filter { $0.item.memory == .usual && !$0.item.isEven })
        Self.summary("all", outcomes)
        print("checksum \(outcomes.reduce(0.0) { $0 + $1.found.makespan })")
    }

    private static func line(_ outcome: Outcome) -> String {
        let found = outcome.found
        let named = found.bestNamed.map { "\($0.kind.rawValue) \($0.makespan.short)" } ?? "none fits"
        let ratio = found.bestNamed.map { "x\(($0.makespan / found.makespan).short)" } ?? "-"
        return outcome.item.name.padded(to: 30) + named.padded(to: 23) + found.makespan.short.padded(to: 8)
            + ratio.padded(to: 8) + found.leastMakespan.short.padded(to: 8)
            + "\((found.gap * 100).short) %".padded(to: 9) + "\(found.evaluations)".padded(to: 8)
            + "\((Double(found.evaluations) / outcome.seconds).short)/s".padded(to: 11) + "\(found.start) \(found.end)"
    }

    private static func summary(_ name: String, _ outcomes: [Outcome]) {
        if outcomes.isEmpty { return }
        let ratios = outcomes.compactMap { outcome in
            outcome.found.bestNamed.map { $0.makespan / outcome.found.makespan }
        }
        let gaps = Statistics(outcomes.map { $0.found.gap * 100 })
        let shorter = outcomes.count { $0.found.makespan < ($0.found.bestNamed?.makespan ?? .infinity) }
        let proven = outcomes.count { $0.found.gap <= 1e-9 }
        print(
            "\(name): \(outcomes.count) cases, shorter than any named order \(shorter), proven shortest \(proven); named over found "
                + (ratios.isEmpty ? "-" : "x\(Statistics(ratios).median.short)")
                + " in the median, gap \(gaps.median.short) % in the median, \(gaps.max.short) % at most")
    }

    /// How many orders are tried in a second of CPU time, for 8 ranks and 32 microbatches with backwards apart.
    private func rate() throws(ScheduleError) {
        let costs = (0..<8).map { stage in
            ChunkCosts(
                forward: 1 + 0.1 * Double(stage), inputGradient: 1.3, weightGradient: 0.9 + 0.3 * Double(stage % 3),
                handOff: 0.1)
        }
        let problem = OrderProblem(
            microbatches: 32, rankOfStage: Array(0..<8), costs: OrderCosts(costs),
            memory: OrderMemory(
                frameBytes: Array(repeating: 10, count: 8), gradientBytes: Array(repeating: 4, count: 8),
                limitOfRank: Array(repeating: 34, count: 8)))
        let evaluations = effort.isShort ? 5000 : 300_000
        let start = Clock.threadCPU()
        let found = try OrderSearch(problem, seed: 1, evaluations: evaluations).run()
        let rate = Double(found.evaluations) / (Double(Clock.threadCPU() - start) / 1e9)
        print(
            "768 actions: \(rate.short) evaluations/s; makespan \(found.makespan.short), gap \((found.gap * 100).short) %"
        )
    }
}
