// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// How well runs are predicted from what their units take: none of them was used for measuring that.
///
/// Units are measured again in each round, beside the runs, since a machine's speed drifts; what is predicted from the medians of all rounds is
/// held against the runs' medians over the rounds. How much the runs themselves differ from round to round says how well anything can
/// be predicted.
struct PredictionBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    private struct Case {
        let configuration: RunConfiguration
        let name: String
    }

    func run() throws(BenchmarkError) {
        print("step ms, predicted and measured, and the error of each term in % of the step")
        var groups: [PredictedComparison] = []
        var repeats: [Double] = []
        do throws(RunError) {
            for architecture in effort.isShort ? [.gpt] : Architecture.allCases {
                var items: [PredictedComparison.Item] = []
                for ranks in effort.isShort ? [2] : [1, 2] {
                    for microbatches in effort.isShort ? [4] : ranks == 1 ? [2, 4, 8] : [4, 8] {
                        let all = Self.cases(architecture, ranks: ranks, microbatches)
                        let (own, spread) = try measure(effort.isShort ? Array(all.prefix(1)) : all)
                        items += own
                        repeats += spread
                    }
                }
                groups.append(PredictedComparison(items))
            }
        } catch {
            throw .failed("\(error)")
        }
        summarize(groups, repeats)
    }

    /// All cases of one shape of microbatches, in turns with what their units take; prints a line for each.
    /// - Returns: besides, for each case, how far its rounds are apart: half of the distance between the quartiles over the median.
    private func measure(_ cases: [Case]) throws(RunError) -> (items: [PredictedComparison.Item], spread: [Double]) {
        var profile: Profile?
        var measured: [[Breakdown]] = cases.map { _ in [] }
        for round in 0..<effort.rounds {
            if profile == nil {
                profile = try Profile(cases[0].configuration, rounds: 1)
            } else {
                try profile!.measure(rounds: 1)
            }
            // Every other round goes through them backwards.
            for index in round % 2 == 0 ? Array(cases.indices) : cases.indices.reversed() {
                let result = try RunPlan(cases[index].configuration).run()
                if let timed = RunFigures(result).timed { measured[index].append(timed.typicalStep.breakdown) }
            }
        }
        var (items, spread): ([PredictedComparison.Item], [Double]) = ([], [])
        for (item, breakdowns) in zip(cases, measured) {
            let plan = try RunPlan(item.configuration)
            let sorted = breakdowns.sorted { $0.step < $1.step }
            let told = PredictedComparison.Item(
                schedule: item.name, transport: "threads", predicted: plan.simulation(profile!.costs).breakdown,
                measured: sorted[(sorted.count - 1) / 2])
            items.append(told)
            spread.append(Statistics(breakdowns.map(\.step)).relativeSpread / 2)
            tell(told, spread.last!)
        }
        return (items, spread)
    }

    private func tell(_ item: PredictedComparison.Item, _ spread: Double) {
        let terms = Breakdown.Term.allCases.map { "\($0.rawValue) \((item.error($0) * 100).short)" }
        let steps = "\((item.predicted.step * 1000).short) \((item.measured.step * 1000).short)"
        print(
            "\(item.schedule.padded(to: 38)) \(steps) \((item.error * 100).short) % (rounds ±\((spread * 100).short) %); \(terms.joined(separator: ", "))"
        )
    }

    private func summarize(_ groups: [PredictedComparison], _ repeats: [Double]) {
        let items = groups.flatMap(\.items)
        func percent(_ values: [Double]) -> Statistics { Statistics(values.map { abs($0) * 100 }) }
        let error = percent(items.map(\.error))
        print(
            "\(counted(items.count, "run")): error of the step \(error.median.short) % in the median, \(error.max.short) % at most; "
                + "rounds of one run ±\(percent(repeats).median.short) % in the median")
        for term in Breakdown.Term.allCases {
            let error = percent(items.map { $0.error(term) })
            print(
                "  \(term.rawValue.padded(to: 17)) \(error.median.short) % of the step in the median, \(error.max.short) % at most"
            )
        }
        let rankings = groups.map(\.ranking)
        let (pairs, right) = (rankings.reduce(0) { $0 + $1.pairs }, rankings.reduce(0) { $0 + $1.right })
        print("of \(pairs) pairs of one model that differ by more than 2 %, \(right) are called right")
    }

    private static func cases(_ architecture: Architecture, ranks: Int, _ microbatches: Int) -> [Case] {
        let model = ModelSpec(architecture).model()
        func made(_ name: String, _ schedule: Schedule, _ partition: PartitionChoice, recomputes: Bool = false) -> Case
        {
            var configuration = RunConfiguration(model: model, schedule: schedule)
            (configuration.partition, configuration.recomputes) = (partition, recomputes)
            (configuration.warmupSteps, configuration.measuredSteps) = (2, 6)
            return Case(
                configuration: configuration, name: "\(architecture.rawValue) P=\(ranks) M=\(microbatches) \(name)")
        }
        if ranks == 1 {
            let schedule = Schedule.oneFOneB(ranks: 1, microbatches: microbatches)
            return [made("1f1b", schedule, .uniform), made("1f1b recompute", schedule, .uniform, recomputes: true)]
        }
        let orders: [(String, Schedule)] = [
            ("gpipe", .gpipe(ranks: 2, microbatches: microbatches)),
            ("1f1b", .oneFOneB(ranks: 2, microbatches: microbatches)),
            ("zb-h1", .zeroBubble(ranks: 2, microbatches: microbatches)),
            ("interleaved v=2", .interleaved(ranks: 2, virtualStages: 2, microbatches: microbatches)),
            ("zb-v", ScheduleKind.zeroBubbleV.make(ranks: 2, microbatches: microbatches)),
            ("dualpipe-v", ScheduleKind.dualPipeV.make(ranks: 2, microbatches: microbatches)),
        ]
        let cuts: [(String, PartitionChoice)] = [("uniform", .uniform), ("balanced", .balanced)]
        return orders.flatMap { name, schedule in cuts.map { made("\(name) \($0)", schedule, $1) } }
            + [made("1f1b balanced recompute", orders[1].1, .balanced, recomputes: true)]
    }
}
