// SPDX-License-Identifier: Apache-2.0

import Threads

extension RunPlan {
    /// How long each rank's tasks will take, in seconds.
    /// - Parameter costs: of the model's units, for a microbatch of the run's shape.
    public func durations(_ costs: Costs) -> [[Double]] { stageCosts(costs).durations(schedule, graph) }

    /// A step that nothing disturbs.
    /// - Parameters:
    ///   - costs: of the model's units, for a microbatch of the run's shape.
    ///   - circumstances: what ranks share; nothing unless given.
    public func simulation(_ costs: Costs, in circumstances: Circumstances = Circumstances()) -> Simulation {
        Simulation(schedule, graph, durations: durations(costs), link: handoffs(over: costs.link), in: circumstances)
    }
}

extension Breakdown {
    /// Of a step whose tasks take so long, and in which no rank loses anything but to others of the run.
    /// - Parameters:
    ///   - durations: CPU seconds, for each rank and task.
    ///   - whole: the step with its hand-offs, in these circumstances.
    init(_ graph: TaskGraph, durations: [[Double]], whole: Replay, in circumstances: Circumstances) {
        let needed = zip(graph.tasks, durations).map { tasks, durations in
            zip(tasks, durations).reduce(0) { $0 + ($1.0.isOfPipeline ? $1.1 : 0) }
        }
        let mean = Statistics(needed).mean
        let most = needed.max()!
        let ideal = Replay.Ends(graph, durations: durations)
        // As in a measured step: tasks for as long as they lasted, with others of the run on their CPUs, and hand-offs for nothing.
        let lasted = circumstances.cpuOfRank.map { _ in
            zip(whole.start, whole.end).map { zip($0, $1).map { $1 - $0 } }
        }
        let shared = lasted.map { Replay.Ends(graph, durations: $0).step } ?? ideal.step
        self.init { term in
            switch term {
            case .work: mean
            case .imbalance: most - mean
            case .bubble: ideal.makespan - most
            case .oversubscription: shared - ideal.step
            case .transport: whole.step - shared
            case .reduction: ideal.reduced - ideal.makespan
            case .optimizer: ideal.step - ideal.reduced
            }
        }
    }
}
