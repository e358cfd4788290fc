// SPDX-License-Identifier: Apache-2.0

import Threads

/// When everything in one step was done: the release into it, each task of each rank, and its end.
public struct StepTimes: Sendable {
    /// Whose tasks the times are of.
    public let graph: TaskGraph
    /// On the common clock, in nanoseconds.
    public let released: UInt64
    /// From the release to the end of the last update, in seconds.
    public let seconds: Double
    /// For each rank and task.
    public let tasks: [[TaskTimes]]
    /// For each rank and task, how long the rank stood still for want of a CPU, its own or that of who handed it the input.
    ///
    /// While the input was not there yet, it lost nothing by that; and what it lost is not more than the time that passed. So a
    /// replay with these losses starts each task no later than it really started.
    private(set) var losses: [[Replay.Losses]] = []

    /// Traps unless there is one of `tasks` for each of the graph's.
    public init(_ graph: TaskGraph, released: UInt64, seconds: Double, tasks: [[TaskTimes]]) {
        require(graph.has(shape: tasks.map(\.count)), "times for each task of each rank are needed")
        self.graph = graph
        self.released = released
        self.seconds = seconds
        self.tasks = tasks
        losses = tasks.indices.map { rank in
            tasks[rank].indices.map { losses(TaskGraph.Node(rank: rank, task: $0)) }
        }
    }

    /// For each rank, its actions and packing.
    var worked: [[TaskTimes]] {
        zip(tasks, graph.tasks).map { times, tasks in zip(times, tasks).compactMap { $1.isOfPipeline ? $0 : nil } }
    }

    /// For each rank, the CPU time of these, in seconds.
    var needed: [Double] { worked.map { $0.reduce(0) { $0 + $1.onCPU } } }

    /// From the moment that an item was handed on, or that its receiver turned to it, whichever was later, to the moment
    /// that the receiver had it, without what the two lost meanwhile. Nil for tasks that receive nothing.
    public func handoffSeconds(_ node: TaskGraph.Node) -> Double? {
        if lastSender(node) == nil { return nil }
        let passed = Pipeline.seconds(from: bothReady(node), to: tasks[node.rank][node.task].received)
        return passed - min(passed, losses[node.rank][node.task].ready)
    }

    /// When a rank had turned to a task and its input had been handed on.
    func bothReady(_ node: TaskGraph.Node) -> UInt64 {
        let sent = lastSender(node).map { tasks[$0.rank][$0.task].sent } ?? 0
        return max(tasks[node.rank][node.task].begin, sent)
    }

    /// Who handed on last of what a task receives.
    private func lastSender(_ node: TaskGraph.Node) -> TaskGraph.Node? {
        if let only = graph.onlySender(of: node) { return only }
        return graph.senders(of: node).max { tasks[$0.rank][$0.task].sent < tasks[$1.rank][$1.task].sent }
    }

    /// Seconds for each rank and task.
    func values(_ value: (TaskTimes) -> Double) -> [[Double]] { tasks.map { $0.map(value) } }

    private func losses(_ node: TaskGraph.Node) -> Replay.Losses {
        let own = tasks[node.rank][node.task]
        let before = node.task > 0 ? tasks[node.rank][node.task - 1].sent : released
        var losses = Replay.Losses()
        losses.before = min(Double(own.lostBefore) / 1e9, Pipeline.seconds(from: before, to: own.begin))
        losses.ready = min(
            Double(own.lostWaiting + lostBySender(node)) / 1e9, Pipeline.seconds(from: bothReady(node), to: own.ready))
        losses.after = min(Double(own.lostFinishing) / 1e9, Pipeline.seconds(from: own.end, to: own.sent))
        return losses
    }

    /// In nanoseconds, what the sender of a task's input lost between its `sent` and the hand-off.
    ///
    /// It is known to have lost something while it handed on, not whether that was before or after the input could be seen. Where
    /// the receiver had the input sooner than all that, it was after.
    private func lostBySender(_ node: TaskGraph.Node) -> UInt64 {
        guard let sender = lastSender(node) else { return 0 }
        let list = tasks[sender.rank]
        let lost = sender.task + 1 < list.count ? list[sender.task + 1].lostBefore : 0
        return tasks[node.rank][node.task].received >= list[sender.task].sent + lost ? lost : 0
    }
}

extension RunResult {
    /// The measured steps that the timeline still has; none without a timeline.
    public var timedSteps: Range<Int> {
        let first = max(plan.configuration.warmupSteps, steps - (timeline?.steps ?? 0))
        return min(first, steps)..<steps
    }

    /// Step is one of `timedSteps`; another one traps.
    public func times(ofStep step: Int) -> StepTimes {
        guard let timeline else { trap("the run kept no timeline") }
        require(
            timedSteps.contains(step),
            "step \(step) is none of the timed ones, \(timedSteps.lowerBound) to \(timedSteps.upperBound - 1)")
        let graph = plan.graph
        let tasks = graph.tasks.enumerated().map { rank, list in
            list.indices.map { timeline.times(ofRank: rank, step: step, task: $0) }
        }
        return StepTimes(graph, released: released(step), seconds: seconds(ofStep: step), tasks: tasks)
    }
}
