// SPDX-License-Identifier: Apache-2.0

import Threads

extension RunPlan {
    /// How long each rank's tasks will take, in seconds.
    /// - Parameter costs: of the model's units, for a microbatch of the run's shape.
    public func durations(_ costs: Costs) -> [[Double]] {
        require(costs.units.count == configuration.model.units.count, "costs of each of the model's units are needed")
        return graph.tasks.enumerated().map { rank, list in list.map { duration($0, ofRank: rank, costs) } }
    }

    private func duration(_ task: RankTask, ofRank rank: Int, _ costs: Costs) -> Double {
        switch task {
        case .pack(let stage): return sum(stage, costs, \.packing)
        case .action(let action):
            var seconds = sum(action.stage, costs) { $0.duration(action.kind) }
            if action.kind == .forward && schedule.microbatchThatPacks(action.stage) == action.microbatch {
                seconds += sum(action.stage, costs, \.packing)
            }
            if action.kind.givesInputGradient && configuration.recomputes {
                seconds += sum(action.stage, costs, \.forward)
            }
            return seconds
        case .update: return Double(weightBytesOfRank[rank] / 4) * costs.updateOfParameter
        case .share, .sum, .collect: return 0
        }
    }

    private func sum(_ stage: Int, _ costs: Costs, _ value: (UnitCosts) -> Double) -> Double {
        costs.units[partition.ranges[schedule.modelStage(stage)]].reduce(0) { $0 + value($1) }
    }

    /// The terms of a step that nothing disturbs.
    /// - Parameter costs: of the model's units, for a microbatch of the run's shape.
    public func prediction(_ costs: Costs) -> Breakdown {
        Breakdown(graph, durations: durations(costs), link: handoffs(over: costs.link))
    }
}

extension Breakdown {
    /// Of a step whose tasks take so long, with hand-offs of these costs, and in which no rank loses anything.
    public init(_ graph: TaskGraph, durations: [[Double]], link: Replay.Link) {
        let needed = zip(graph.tasks, durations).map { tasks, durations in
            zip(tasks, durations).reduce(0) { $0 + ($1.0.isOfPipeline ? $1.1 : 0) }
        }
        let mean = Statistics(needed).mean
        let most = needed.max()!
        let ideal = Replay(graph, durations: durations)
        let step = Replay(graph, durations: durations, link: link).step
        self.init { term in
            switch term {
            case .work: mean
            case .imbalance: most - mean
            case .bubble: ideal.makespan - most
            case .oversubscription: 0
            case .transport: step - ideal.step
            case .reduction: ideal.reduced - ideal.makespan
            case .optimizer: ideal.step - ideal.reduced
            }
        }
    }
}
