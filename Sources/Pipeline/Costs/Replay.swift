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
    /// - Complexity: O(tasks).
    public init(_ graph: TaskGraph, durations: [[Double]], losses: [[Losses]]? = nil, link: Link? = nil) {
        require(graph.has(shape: durations.map(\.count)), "one duration for each task is needed")
        require(losses.map { graph.has(shape: $0.map(\.count)) } ?? true, "the losses of each task are needed")
        var start = durations.map { [Double](repeating: 0, count: $0.count) }
        var end = start
        // When what a task hands on can be received.
        var arrivals = [Double](repeating: 0, count: graph.order.count)
        // For each rank, when what it did last was handed on.
        var sent = graph.tasks.map { _ in 0.0 }
        var links = LinkQueue(graph, .rank)
        var ends = Ends()
        for node in graph.order {
            let (rank, task) = (node.rank, node.task)
            let lost = losses?[rank][task] ?? Losses()
            var begin = sent[rank] + lost.before
            if let sender = graph.onlySender(of: node) {
                begin = max(begin, arrivals[graph.number(of: sender)])
            } else if graph.hasReductions {
                for sender in graph.senders(of: node) { begin = max(begin, arrivals[graph.number(of: sender)]) }
            }
            begin += lost.ready
            let done = begin + durations[rank][task]
            start[rank][task] = begin
            end[rank][task] = done
            sent[rank] = done + lost.after
            let kind = graph.tasks[rank][task]
            ends.add(kind, done)
            var arrival = sent[rank]
            if let link, let item = link.item(kind) {
                arrival = links.take(kind, ofRank: rank, for: item.transfer, at: arrival) + item.latency
            }
            arrivals[graph.number(of: node)] = arrival
        }
        self.init(start: start, end: end, ends)
    }

    /// With what ranks have to share, and nothing lost besides.
    /// - Parameters:
    ///   - graph: the tasks of a sound schedule.
    ///   - durations: CPU seconds, for each rank and task.
    ///   - link: what hand-offs cost; nothing unless given.
    ///   - circumstances: what ranks share.
    /// - Complexity: O(tasks x log ranks).
    public init(_ graph: TaskGraph, durations: [[Double]], link: Link? = nil, in circumstances: Circumstances) {
        if circumstances.areSeparate {
            self.init(graph, durations: durations, link: link)
        } else {
            require(graph.has(shape: durations.map(\.count)), "one duration for each task is needed")
            self = TimedReplay.run(graph, durations, link, circumstances)
        }
    }

    init(start: [[Double]], end: [[Double]], _ ends: Ends) {
        (self.start, self.end) = (start, end)
        (makespan, reduced, step) = (ends.makespan, ends.reduced, ends.step)
    }
}
