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

    /// Traps unless there is one of `tasks` for each of the graph's.
    public init(_ graph: TaskGraph, released: UInt64, seconds: Double, tasks: [[TaskTimes]]) {
        require(graph.has(shape: tasks.map(\.count)), "times for each task of each rank are needed")
        self.graph = graph
        self.released = released
        self.seconds = seconds
        self.tasks = tasks
    }

    /// From the release to the end of the last task that is not an update, in seconds.
    var makespan: Double {
        let last = worked.joined().map(\.end).max()!
        return Pipeline.seconds(from: released, to: last)
    }

    /// For each rank, its tasks but the update.
    var worked: [[TaskTimes]] {
        zip(tasks, graph.tasks).map { times, tasks in zip(times, tasks).compactMap { $1 == .update ? nil : $0 } }
    }

    /// From the moment that an item was handed on, or that its receiver turned to it, whichever was later, to the moment
    /// that the receiver had it. Nil for tasks that receive nothing.
    public func handoffSeconds(_ node: TaskGraph.Node) -> Double? {
        guard let sender = graph.senders[node.rank][node.task] else { return nil }
        let times = tasks[node.rank][node.task]
        return Pipeline.seconds(from: max(times.begin, tasks[sender.rank][sender.task].sent), to: times.received)
    }

    /// Seconds for each rank and task.
    func values(_ value: (TaskTimes) -> Double) -> [[Double]] { tasks.map { $0.map(value) } }

    /// For each rank and task, how much later its work began for want of a CPU: the time without one, as far as the rank had
    /// done with the task before and the input had been handed on.
    var delays: [[Double]] {
        tasks.indices.map { rank in
            tasks[rank].indices.map { task in
                let own = tasks[rank][task]
                let before = task > 0 ? tasks[rank][task - 1].end : released
                let sent = graph.senders[rank][task].map { tasks[$0.rank][$0.task].sent } ?? 0
                return min(Double(own.delay) / 1e9, Pipeline.seconds(from: max(before, sent), to: own.ready))
            }
        }
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

extension Sequence {
    /// The mean of a value over at least one element.
    func mean(_ value: (Element) -> Double) -> Double {
        var (sum, count) = (0.0, 0)
        for element in self {
            sum += value(element)
            count += 1
        }
        require(count > 0, "a mean of nothing")
        return sum / Double(count)
    }
}
