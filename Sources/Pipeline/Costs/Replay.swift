// SPDX-License-Identifier: Apache-2.0

import Threads

/// When each task of a step would have been done if every hand-off had cost nothing: tasks as long as they were measured,
/// in each rank's order, each as soon as its rank has come to it and its inputs are there.
public struct Replay: Sendable {
    /// Seconds for which a rank stands still around a task, besides the task's own duration.
    public struct Losses: Equatable, Sendable {
        /// Before it turns to the task.
        public var before = 0.0
        /// After that, once its inputs are there too.
        public var ready = 0.0
        /// After the task's work, before its output is handed on.
        public var after = 0.0

        /// None.
        public init() {}
    }

    /// What hand-offs cost: what a rank hands on leaves it one item after the other, and arrives a latency later.
    public struct Link: Sendable {
        /// From the moment that an item has left its rank to the moment that it can be received, in seconds.
        public let latency: Double
        /// For each rank and task, how long what it hands on takes to leave, in seconds; 0 where it hands on nothing.
        let transfers: [[Double]]
        /// For each rank and task, whether it hands on anything by the link.
        let sends: [[Bool]]

        /// - Parameters:
        ///   - graph: whose tasks hand on.
        ///   - latency: in seconds.
        ///   - isOnLink: whether what one rank hands on to another goes by the link; what does not costs nothing. All of it unless given.
        ///   - transfer: how long what a task hands on takes to leave its rank, in seconds.
        public init(
            _ graph: TaskGraph, latency: Double, isOnLink: (Int, Int) -> Bool = { _, _ in true },
            transfer: (RankTask) -> Double
        ) {
            self.latency = latency
            var transfers = graph.tasks.map { $0.map { _ in 0.0 } }
            var sends = graph.tasks.map { $0.map { _ in false } }
            for receiver in graph.order {
                for node in graph.senders(of: receiver)
                where !sends[node.rank][node.task] && isOnLink(node.rank, receiver.rank) {
                    transfers[node.rank][node.task] = transfer(graph.tasks[node.rank][node.task])
                    sends[node.rank][node.task] = true
                }
            }
            (self.transfers, self.sends) = (transfers, sends)
        }

        /// From a task's end to the moment that what it hands on can be received, where nothing else is under way, in seconds.
        func cost(of sender: TaskGraph.Node) -> Double {
            sends[sender.rank][sender.task] ? transfers[sender.rank][sender.task] + latency : 0
        }
    }

    /// For each rank and task, when its work would have begun, in seconds after the release into the step.
    public let start: [[Double]]
    /// For each rank and task, when its work would have been done, in seconds after the release into the step.
    public let end: [[Double]]

    /// From the release to the end of the last action, or packing.
    public let makespan: Double
    /// From the release to the end of the last task that is not an update.
    public let reduced: Double
    /// From the release to the end of the last task.
    public let step: Double

    /// - Parameters:
    ///   - graph: the tasks of a sound schedule.
    ///   - durations: seconds, for each rank and task.
    ///   - losses: for each rank and task; none unless given.
    ///   - link: what hand-offs cost; nothing unless given.
    public init(_ graph: TaskGraph, durations: [[Double]], losses: [[Losses]]? = nil, link: Link? = nil) {
        require(graph.has(shape: durations.map(\.count)), "one duration for each task is needed")
        require(losses.map { graph.has(shape: $0.map(\.count)) } ?? true, "the losses of each task are needed")
        var start = durations.map { $0.map { _ in 0.0 } }
        var end = start
        /// When the output of a task is handed on.
        func sent(_ rank: Int, _ task: Int) -> Double { end[rank][task] + (losses?[rank][task].after ?? 0) }
        /// When what a task hands on has left its rank, and when all of the rank's so far have.
        var left = link.map { _ in end } ?? []
        var linkFree = graph.tasks.map { _ in 0.0 }
        func arrived(_ node: TaskGraph.Node) -> Double {
            guard let link, link.sends[node.rank][node.task] else { return sent(node.rank, node.task) }
            return left[node.rank][node.task] + link.latency
        }
        var (makespan, reduced, step) = (0.0, 0.0, 0.0)
        for node in graph.order {
            let (rank, task) = (node.rank, node.task)
            let lost = losses?[rank][task] ?? Losses()
            let inputs = graph.onlySender(of: node).map(arrived) ?? graph.senders(of: node).map(arrived).max() ?? 0
            let turned = (task > 0 ? sent(rank, task - 1) : 0) + lost.before
            start[rank][task] = max(turned, inputs) + lost.ready
            end[rank][task] = start[rank][task] + durations[rank][task]
            let kind = graph.tasks[rank][task]
            if kind.isOfPipeline { makespan = max(makespan, end[rank][task]) }
            if kind != .update { reduced = max(reduced, end[rank][task]) }
            step = max(step, end[rank][task])
            guard let link, link.sends[rank][task] else { continue }
            linkFree[rank] = max(linkFree[rank], sent(rank, task)) + link.transfers[rank][task]
            left[rank][task] = linkFree[rank]
        }
        (self.start, self.end) = (start, end)
        (self.makespan, self.reduced, self.step) = (makespan, reduced, step)
    }
}
