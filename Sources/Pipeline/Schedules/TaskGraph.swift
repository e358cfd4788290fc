// SPDX-License-Identifier: Apache-2.0

/// The tasks of all ranks with what each waits for.
public struct TaskGraph: Sendable {
    /// Which task of which rank.
    public struct Node: Hashable, Sendable {
        /// Counts from 0.
        public let rank: Int
        /// Counts from 0, in the order of the rank's tasks.
        public let task: Int
    }

    /// For each rank, in the order it does them.
    public let tasks: [[RankTask]]
    /// For each rank and task, the tasks whose results it needs, besides its rank's earlier ones.
    public let causes: [[[Node]]]
    /// For each rank and task, the cause that is another rank's: who hands on what the task receives. Nil where nothing is
    /// received, or from the rank itself.
    public let senders: [[Node?]]
    /// All tasks, each after those that it has to wait for.
    public let order: [Node]

    /// K: how many stages each copy has that the tasks are of.
    let stagesOfCopy: Int

    /// Whether there are so many values for each rank as it has tasks.
    func has(shape counts: [Int]) -> Bool { counts == tasks.map(\.count) }

    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced, or wait for each other.
    public init(_ schedule: Schedule) throws(ScheduleError) {
        let sorted = try schedule.completeOrder()
        let tasks = schedule.tasks
        let taskOfAction = tasks.map { list in
            list.indices.filter { if case .action = list[$0] { true } else { false } }
        }
        let causes = tasks.map { list in
            list.map { task -> [Node] in
                guard case .action(let action) = task else { return [] }
                return sorted.causes(of: action).map { Node(rank: $0.rank, task: taskOfAction[$0.rank][$0.index]) }
            }
        }
        // An action brings the tasks before it that are no actions; what is left at the end follows.
        var order: [Node] = []
        var next = tasks.map { _ in 0 }
        var run = OrderRun(sorted)
        while let finished = try run.next() {
            let rank = finished.rank
            let last = taskOfAction[rank][finished.index]
            while next[rank] <= last {
                order.append(Node(rank: rank, task: next[rank]))
                next[rank] += 1
            }
        }
        for (rank, list) in tasks.enumerated() {
            order += (next[rank]..<list.count).map { Node(rank: rank, task: $0) }
        }
        self.order = order
        self.tasks = tasks
        stagesOfCopy = schedule.stagesOfCopy
        self.causes = causes
        senders = causes.enumerated().map { rank, list in list.map { $0.first { $0.rank != rank } } }
    }
}
