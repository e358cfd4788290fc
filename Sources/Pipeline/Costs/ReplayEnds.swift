// SPDX-License-Identifier: Apache-2.0

extension Replay {
    /// When the last tasks of a kind end, in seconds after the release into the step: all that terms need of a replay.
    struct Ends {
        /// Of actions and packing.
        private(set) var makespan = 0.0
        /// Of all but updates.
        private(set) var reduced = 0.0
        /// Of all.
        private(set) var step = 0.0

        init() {}

        /// Of tasks that take so long, with hand-offs for nothing. Keeps one number a task, and only while it works.
        init(_ graph: TaskGraph, durations: [[Double]]) {
            var end = [Double](repeating: 0, count: graph.order.count)
            var free = graph.tasks.map { _ in 0.0 }
            for node in graph.order {
                var start = free[node.rank]
                if let sender = graph.onlySender(of: node) {
                    start = max(start, end[graph.number(of: sender)])
                } else if graph.hasReductions {
                    for sender in graph.senders(of: node) { start = max(start, end[graph.number(of: sender)]) }
                }
                let done = start + durations[node.rank][node.task]
                free[node.rank] = done
                end[graph.number(of: node)] = done
                add(graph.tasks[node.rank][node.task], done)
            }
        }

        @inline(__always)
        mutating func add(_ task: RankTask, _ end: Double) {
            if task.isOfPipeline { makespan = max(makespan, end) }
            if task != .update { reduced = max(reduced, end) }
            step = max(step, end)
        }
    }
}
