// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

/// Whatever the validator lets through runs, on threads, to the results that it promises; all else it refuses.
struct ScheduleSpaceTests {
    @Test("one rank, two microbatches: of all orders there are, those that pass run, and the others are refused")
    func oneRank() throws {
        let runs = Runs()
        var passed = 0
        for kinds in [["B", "B"], ["B", "IW"], ["IW", "B"], ["IW", "IW"]] {
            let names = kinds.enumerated().flatMap { microbatch, kinds in
                ("F" + kinds).map { "0\($0)\(microbatch)" }
            }
            for order in permutations(names.map(action)) {
                let schedule = Schedule(name: "all", microbatches: 2, rankOfStage: [0], actions: [order])
                if try runs.check(schedule) { passed += 1 }
            }
        }
        // Interleavings of two chains: 4! / 2! 2!, twice 5! / 2! 3!, and 6! / 3! 3!.
        #expect(passed == 6 + 10 + 10 + 20)
    }

    @Test("two ranks, two microbatches: of all pairs of orders, those that pass run, and the others are refused")
    func twoRanks() throws {
        let runs = Runs()
        func orders(_ stage: Int) -> [[Action]] {
            permutations(["F0", "F1", "B0", "B1"].map { action("\(stage)\($0)") })
        }
        var passed = 0
        for first in orders(0) {
            for second in orders(1) {
                let schedule = Schedule(name: "pairs", microbatches: 2, rankOfStage: [0, 1], actions: [first, second])
                if try runs.check(schedule) { passed += 1 }
            }
        }
        // Forwards in one of two orders. Backwards in the same: F F B B or F B F B on either rank, but not F B F B on the first
        // and F F B B on the last, which wait for each other. In the other: F F B B on both.
        #expect(passed == 2 * (3 + 1))
    }

    /// Of each part: 30, or a quarter of what PPTHREADS_RANDOM_ORDERS asks for where that is more.
    private static let seeds =
        max(30, (ProcessInfo.processInfo.environment["PPTHREADS_RANDOM_ORDERS"].flatMap(Int.init) ?? 120) / 4)

    @Test(
        "random orders, placements and splits that are sound are written, read, and run as promised", arguments: 0..<4)
    func sound(part: Int) throws {
        let runs = Runs()
        var promises: Set<String> = []
        for seed in Self.seeds * part..<Self.seeds * (part + 1) {
            var space = ScheduleSpace(seed: UInt64(seed))
            let schedule = space.sound()
            promises.insert(try schedule.validated().bits.label)
            let text = seed % 2 == 0 ? schedule.csv() : try schedule.csvWithCommunication()
            let read = try ScheduleFile(bytes: Array(text.utf8), name: schedule.name)
            #expect(read.schedule == schedule, "seed \(seed)")
            #expect(try runs.check(read.schedule, variant: seed), "seed \(seed)")
        }
        #expect(promises == ["as one stage", "to rounding"])
    }

    @Test("sound orders with a fault put in are refused, or run as promised all the same", arguments: 0..<2)
    func changed(part: Int) throws {
        let runs = Runs()
        var passed = 0
        for seed in 0..<80 {
            var space = ScheduleSpace(seed: UInt64(1000 + 1000 * part + seed))
            if try runs.check(space.changed(), variant: seed) { passed += 1 }
        }
        #expect(passed > 3 && passed < 60)
    }
}

/// Runs of a model that takes microseconds, and what they must give.
private final class Runs {
    private var baselines: [Int: RunResult] = [:]

    private func configuration(_ schedule: Schedule) -> RunConfiguration {
        var spec = ModelSpec()
        spec.architecture = .gpt
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (11, 4, 2, 2)
        (spec.hidden, spec.sequenceLength) = (6, 3)
        var configuration = RunConfiguration(model: spec.model(), schedule: schedule)
        configuration.partition = .balanced
        configuration.batchSize = schedule.microbatches
        configuration.warmupSteps = 1
        configuration.measuredSteps = 1
        configuration.dropout = schedule.microbatches == 3 ? 0.25 : 0
        configuration.keepsWeights = true
        configuration.keepsGradients = true
        return configuration
    }

    private func baseline(_ microbatches: Int) throws -> RunResult {
        if let known = baselines[microbatches] { return known }
        let result = try RunPlan(configuration(.oneFOneB(ranks: 1, microbatches: microbatches))).run()
        baselines[microbatches] = result
        return result
    }

    /// Whether the order passes; if it does, it was run and every report made.
    /// - Parameter variant: other settings that change no bit.
    func check(_ schedule: Schedule, variant: Int = 0) throws -> Bool {
        guard let facts = try? schedule.validated() else { return false }
        var configuration = configuration(schedule)
        configuration.recomputes = variant % 3 == 1
        configuration.threadsPerRank = variant % 5 == 2 ? 2 : 1
        let result = try RunPlan(configuration).run()
        let text = "\(schedule.rankOfStage) \(schedule.actions)"
        let difference = result.difference(fromOneStage: try baseline(schedule.microbatches))
        #expect(difference == nil, "\(text)")
        #expect(result.ranks.map(\.inFlightPeak) == facts.inFlightOfRank, "\(text)")
        let timed = try #require(RunFigures(result).timed)
        #expect(timed.steps.count == 1 && timed.ranks.count == schedule.ranks)
        let neighbours = zip(schedule.rankOfStage, schedule.rankOfStage.dropFirst())
        #expect(timed.handoffs.count == 2 * neighbours.count { $0 != $1 })
        #expect(ChromeTrace(result, timed).text.isEmpty == false)
        return true
    }
}
