// SPDX-License-Identifier: Apache-2.0

import Glibc
import SharedTensor
import Threads

/// What is to be simulated, besides the order and what its tasks take.
public struct SimulationSettings: Sendable {
    /// What ranks share.
    public var circumstances = Circumstances()
    /// Of each task's time, the standard deviation as a part of it, drawn anew for each task; 0 for none.
    public var jitter = 0.0
    /// Of what is drawn.
    public var seed: UInt64 = 0
    /// How many steps are simulated; more than one only tell anything with jitter.
    public var steps = 1
    /// Ranks whose work takes so many times as long.
    public var slowRanks: [Int: Double] = [:]
    /// Edges that have a link of their own, by their lower stage.
    public var slowEdges: [Int: LinkCost] = [:]

    /// One step in which no rank and no edge is slower than others.
    public init() {}
}

/// A run that was worked out and never run: the same figures as a measured one's, and what can be proven of its order.
public struct SimulatedRun: Sendable {
    /// Whose order it is.
    public let schedule: Schedule
    /// What the order asks of links and memory.
    public let facts: ScheduleFacts
    /// What its tasks take.
    public let costs: StageCosts
    /// Its steps, one or more.
    public let simulations: [Simulation]
    /// What no order of the same actions can take less than, hand-offs included and updates left out.
    public let bound: MakespanBound
    /// The run on paper; nil where there is no model.
    public let plan: RunPlan?

    /// - Parameters:
    ///   - schedule: any order.
    ///   - costs: of its stages.
    ///   - plan: the run on paper, where there is a model.
    ///   - settings: all else.
    /// - Throws: `ScheduleError` when the order cannot be run.
    public init(
        _ schedule: Schedule, _ costs: StageCosts, plan: RunPlan? = nil, _ settings: SimulationSettings
    ) throws(ScheduleError) {
        (self.schedule, self.costs, self.plan) = (schedule, costs, plan)
        let order = try schedule.completeOrder()
        facts = if let plan { plan.facts } else { try schedule.validated(order) }
        let graph = if let plan { plan.graph } else { try TaskGraph(order) }
        let slow = settings.slowEdges
        bound = MakespanBound(order, costs.orderCosts(slow: slow))
        let link = Replay.Link(graph) { task, _, _ in costs.handoff(task, schedule, slow: slow) }
        let durations = costs.durations(schedule, graph).enumerated().map { rank, list in
            settings.slowRanks[rank].map { factor in list.map { $0 * factor } } ?? list
        }
        var noise = TaskNoise(settings.jitter, seed: settings.seed)
        simulations = (0..<max(1, settings.steps)).map { _ in
            Simulation(
                schedule, graph, durations: settings.jitter > 0 ? noise.applied(to: durations) : durations, link: link,
                in: settings.circumstances)
        }
    }

    /// Of the mean step.
    public var breakdown: Breakdown { Breakdown(meanOf: simulations.map(\.breakdown)) }
    /// The first step.
    public var first: Simulation { simulations[0] }
    /// From the release to the end of the last action, in the mean, in seconds.
    public var makespan: Double { simulations.mean { $0.replay.makespan } }
    /// By how much more than the bound the mean makespan is, as a part of it; never below 0 but for jitter.
    public var gap: Double { bound.value > 0 ? makespan / bound.value - 1 : 0 }

    /// For each rank, how long it does nothing from the release to the end of the last action: in the first step, in seconds.
    public var idleOfRank: [Double] {
        workOfRank.map { max(0, first.replay.makespan - $0) }
    }

    /// For each rank, how long it works on actions and packing: in the first step, in seconds.
    public var workOfRank: [Double] {
        zip(first.graph.tasks, first.durations).map { tasks, durations in
            zip(tasks, durations).reduce(0) { $0 + ($1.0.isOfPipeline ? $1.1 : 0) }
        }
    }

    /// For each rank, how long it does nothing between its first action and its last: in the first step, in seconds.
    public var idleInsideOfRank: [Double] {
        zip(workOfRank.indices, workOfRank).map { rank, work in
            let (start, end) = (first.replay.start[rank], first.replay.end[rank])
            let own = first.graph.tasks[rank].indices.filter { first.graph.tasks[rank][$0].isOfPipeline }
            guard let begin = own.first, let last = own.last else { return 0 }
            return max(0, end[last] - start[begin] - work)
        }
    }

    /// For each rank, bytes of its own memory and of its slots, but without the program and what a run leaves; nil without a model.
    public var memoryBytesOfRank: [Int]? {
        plan?.memoryBytesOfRankAtWork
    }

    /// As a run's timeline would have it: with figures of each rank and each edge. Takes some hundred bytes for each task of each step.
    public var timed: TimedFigures { TimedFigures(simulations.map(\.times), edges: edges) }

    private var edges: [Edge] {
        if let plan { return plan.edges.filter { plan.schedule.rank(ofBothEnds: $0) == nil } }
        return (0..<schedule.stages).filter { !schedule.isLast($0) }.flatMap { stage -> [Edge] in
            let shape = Shape(1, max(1, costs.itemBytes[schedule.modelStage(stage)] / 4))
            func edge(_ from: Int, _ to: Int, slots: Int) -> Edge {
                Edge(
                    from: from, to: to, shape: shape, slots: slots, senderRank: schedule.rankOfStage[from],
                    receiverRank: schedule.rankOfStage[to])
            }
            return [
                edge(stage, stage + 1, slots: facts.activationSlots[stage]),
                edge(stage + 1, stage, slots: facts.gradientSlots[stage + 1]),
            ].filter { $0.slots > 0 && $0.senderRank != $0.receiverRank }
        }
    }
}

extension Simulation {
    /// What is drawn of it: tasks and waits, in microseconds since the release; without tasks that take nothing, but for actions.
    public var spans: [TraceFile.Span] {
        let times = times
        return graph.order.flatMap { node -> [TraceFile.Span] in
            let (task, own) = (graph.tasks[node.rank][node.task], times.tasks[node.rank][node.task])
            func span(_ name: String, _ category: String, _ start: UInt64, _ end: UInt64, _ cpu: Double?)
                -> TraceFile.Span
            {
                TraceFile.Span(
                    rank: node.rank, step: 0, name: name, category: category, start: Double(start) / 1000,
                    duration: Double(end - start) / 1000, stage: task.stage, microbatch: nil, cpu: cpu)
            }
            let wait = own.ready > own.begin ? [span("no input", "wait", own.begin, own.ready, nil)] : []
            if case .action = task {} else if own.end == own.ready { return wait }
            return wait + [span(task.label, task.kind.rawValue, own.ready, own.end, own.onCPU * 1e6)]
        }
    }
}

/// Draws how long tasks take: each its own time and a normally distributed part of it, at least a twentieth of it.
private struct TaskNoise {
    private let deviation: Double
    private let random: CounterRandom
    private var drawn: UInt64 = 0

    init(_ deviation: Double, seed: UInt64) {
        self.deviation = deviation
        random = CounterRandom(seed: seed, name: "jitter")
    }

    mutating func applied(to durations: [[Double]]) -> [[Double]] {
        durations.map { list in list.map { $0 * max(0.05, 1 + deviation * normal()) } }
    }

    /// Standard normal, from two uniform numbers (Box and Muller, 1958).
    private mutating func normal() -> Double {
        defer { drawn += 2 }
        let radius = (-2 * log(1 - random.unit(at: drawn))).squareRoot()
        return radius * cos(2 * Double.pi * random.unit(at: drawn + 1))
    }
}
