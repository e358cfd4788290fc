import Threads

/// When each task of a step would have been done if every hand-off had cost nothing: tasks as long as they were measured,
/// in each rank's order, each as soon as its rank has come to it and its inputs are there.
public struct Replay: Sendable {
    /// For each rank and task, when its work would have begun, in seconds after the release into the step.
    public let start: [[Double]]
    /// For each rank and task, when it would have been done, in seconds after the release into the step.
    public let end: [[Double]]

    /// From the release to the end of the last task that is not an update.
    public let makespan: Double

    /// - Parameters:
    ///   - durations: seconds, for each rank and task of a sound schedule.
    ///   - delays: seconds that each task stands still once its rank has come to it and its inputs are there; none unless
    ///     given.
    public init(_ graph: TaskGraph, durations: [[Double]], delays: [[Double]]? = nil) {
        require(graph.has(shape: durations.map(\.count)), "one duration for each task is needed")
        require(graph.has(shape: (delays ?? durations).map(\.count)), "one delay for each task is needed")
        var start = durations.map { $0.map { _ in 0.0 } }
        var end = start
        for node in graph.order {
            let (rank, task) = (node.rank, node.task)
            let inputs = graph.causes[rank][task].map { end[$0.rank][$0.task] }.max() ?? 0
            start[rank][task] = max(task > 0 ? end[rank][task - 1] : 0, inputs) + (delays?[rank][task] ?? 0)
            end[rank][task] = start[rank][task] + durations[rank][task]
        }
        self.start = start
        self.end = end
        makespan = graph.order.reduce(0) { most, node in
            graph.tasks[node.rank][node.task] == .update ? most : max(most, end[node.rank][node.task])
        }
    }
}
