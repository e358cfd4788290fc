// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// How well runs are predicted from what their units take: none of them was used for measuring that.
struct PredictionBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    private struct Case {
        let configuration: RunConfiguration
        let name: String
    }

    func run() throws(BenchmarkError) {
        print("step ms, predicted and measured, and the error of each term in % of the step")
        var errors: [Double] = []
        for architecture in effort.isShort ? [.gpt] : Architecture.allCases {
            for microbatches in effort.isShort ? [4] : [4, 8] {
                let all = Self.cases(architecture, microbatches)
                let cases = effort.isShort ? Array(all.prefix(1)) : all
                // Every other round goes through them backwards.
                for round in 0..<effort.rounds {
                    do throws(RunError) {
                        errors += try Self.errors(of: round % 2 == 0 ? cases : cases.reversed())
                    } catch {
                        throw .failed("\(error)")
                    }
                }
            }
        }
        let error = Statistics(errors.map { $0 * 100 })
        print(
            "\(errors.count) runs: error of the step \(error.median.short) % in the median, \(error.sorted.last!.short) % at most"
        )
    }

    /// Of each one's step, as a part of the measured one, without a sign; prints a line for each.
    private static func errors(of cases: [Case]) throws(RunError) -> [Double] {
        let costs = try Profile(cases[0].configuration).costs
        var errors: [Double] = []
        for item in cases {
            let plan = try RunPlan(item.configuration)
            let predicted = plan.simulation(costs).breakdown
            guard let measured = RunFigures(try plan.run()).timed?.typicalStep.breakdown else { continue }
            let error = predicted.step / measured.step - 1
            errors.append(abs(error))
            let terms = Breakdown.Term.allCases.map { term in
                "\(term.rawValue) \(((predicted[term] - measured[term]) / measured.step * 100).short)"
            }
            let steps = "\((predicted.step * 1000).short) \((measured.step * 1000).short) \((error * 100).short) %"
            print("\(item.name.padded(to: 34)) \(steps); \(terms.joined(separator: ", "))")
        }
        return errors
    }

    private static func cases(_ architecture: Architecture, _ microbatches: Int) -> [Case] {
        let orders: [(String, Schedule)] = [
            ("gpipe", .gpipe(ranks: 2, microbatches: microbatches)),
            ("1f1b", .oneFOneB(ranks: 2, microbatches: microbatches)),
            ("zb-h1", .zeroBubble(ranks: 2, microbatches: microbatches)),
            ("interleaved", .interleaved(ranks: 2, virtualStages: 2, microbatches: microbatches)),
            ("zb-v", ScheduleKind.zeroBubbleV.make(ranks: 2, microbatches: microbatches)),
        ]
        return orders.flatMap { name, schedule in
            [("uniform", PartitionChoice.uniform), ("balanced", .balanced)].map { cut, partition in
                var configuration = RunConfiguration(model: ModelSpec(architecture).model(), schedule: schedule)
                configuration.partition = partition
                (configuration.warmupSteps, configuration.measuredSteps) = (2, 8)
                return Case(
                    configuration: configuration, name: "\(architecture.rawValue) \(name) M=\(microbatches) \(cut)")
            }
        }
    }
}
