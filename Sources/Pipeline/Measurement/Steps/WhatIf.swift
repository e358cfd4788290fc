// SPDX-License-Identifier: Apache-2.0

/// What a step would have taken under other circumstances, in seconds: replays of the durations that were measured.
public struct WhatIf: Equatable, Sendable {
    /// Hand-offs that cost nothing.
    public let freeTransport: Double
    /// Stages that all take equally long: each kind of task lasts its mean over all stages.
    public let equalStages: Double
    /// Both.
    public let both: Double

    /// - Parameter terms: of the same step.
    init(_ times: StepTimes, _ terms: Breakdown) {
        let equal = Replay(times.graph, durations: Self.equalized(times)).makespan
        freeTransport = terms.step - terms.transport
        equalStages = equal + terms.oversubscription + terms.transport + terms.reduction + terms.optimizer
        both = equal + terms.oversubscription + terms.reduction + terms.optimizer
    }

    /// - Parameters:
    ///   - step: as measured.
    ///   - transport: its term.
    ///   - equalStages: the step if they were.
    init(step: Double, transport: Double, equalStages: Double) {
        freeTransport = step - transport
        self.equalStages = equalStages
        both = equalStages - transport
    }

    init(meanOf all: [WhatIf]) {
        freeTransport = all.mean(\.freeTransport)
        equalStages = all.mean(\.equalStages)
        both = all.mean(\.both)
    }

    private static func equalized(_ times: StepTimes) -> [[Double]] {
        var sums: [RankTask.Kind: (seconds: Double, count: Double)] = [:]
        for (list, tasks) in zip(times.tasks, times.graph.tasks) {
            for (times, task) in zip(list, tasks) {
                let sum = sums[task.kind, default: (0, 0)]
                sums[task.kind] = (sum.seconds + times.onCPU, sum.count + 1)
            }
        }
        return times.graph.tasks.map { list in
            list.map { $0.isOfPipeline ? sums[$0.kind]!.seconds / sums[$0.kind]!.count : 0 }
        }
    }
}
