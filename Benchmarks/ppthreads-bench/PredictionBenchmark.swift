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
                for round in 0..<effort.rounds {
                    let costs: Costs
                    do throws(RunError) {
                        costs = try Profile(cases[0].configuration).costs
                        // The last round's order is the first one's backwards, and so on.
                        for item in round % 2 == 0 ? cases : cases.reversed() {
                            let plan = try RunPlan(item.configuration)
                            let predicted = plan.prediction(costs)
                            guard let measured = RunFigures(try plan.run()).timed?.typicalStep.breakdown else {
                                continue
                            }
                            let error = predicted.step / measured.step - 1
                            errors.append(abs(error))
                            let terms = Breakdown.Term.allCases.map { term in
                                "\(term.rawValue) \(((predicted[term] - measured[term]) / measured.step * 100).short)"
                            }
                            print(
                                item.name.padded(to: 34)
                                    + " \((predicted.step * 1000).short) \((measured.step * 1000).short) \((error * 100).short) %; "
                                    + terms.joined(separator: ", "))
                        }
                    } catch {
                        throw .failed("\(error)")
                    }
                }
            }
        }
        let sorted = errors.sorted()
        print(
            "\(errors.count) runs: error of the step \((sorted[sorted.count / 2] * 100).short) % in the median, \((sorted.last! * 100).short) % at most"
        )
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
