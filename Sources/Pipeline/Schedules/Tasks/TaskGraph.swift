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
    /// For each rank and task, the causes that are other ranks': who hands on what the task receives. None where nothing is
    /// received, or from the rank itself; one of an action's, several where gradients are summed over copies.
    public let senders: [[[Node]]]
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
        let reductions = Reductions(schedule, tasks)
        let causes = tasks.map { list in
            list.map { task -> [Node] in
                guard case .action(let action) = task else { return reductions.causes(of: task) }
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
        // Of all ranks, first what shares, then what sums, then what collects: as each rank has them.
        let rest = tasks.enumerated().flatMap { rank, list in
            (next[rank]..<list.count).map { Node(rank: rank, task: $0) }
        }
        for phase in Phase.allCases { order += rest.filter { Phase(tasks[$0.rank][$0.task]) == phase } }
        self.order = order
        self.tasks = tasks
        stagesOfCopy = schedule.stagesOfCopy
        self.causes = causes
        senders = causes.enumerated().map { rank, list in list.map { $0.filter { $0.rank != rank } } }
    }

    /// Whether gradients, or losses, are summed over copies.
    var hasReductions: Bool { tasks.joined().contains { $0.kind == .summing } }

    /// What comes after a rank's last action, in its order.
    private enum Phase: CaseIterable {
        case share, sum, collect, update

        init(_ task: RankTask) {
            self =
                switch task {
                case .pack, .action, .share: .share
                case .sum: .sum
                case .collect: .collect
                case .update: .update
                }
        }
    }

    /// What tasks that sum over copies wait for.
    private struct Reductions {
        private let schedule: Schedule
        private var nodes: [RankTask: Node] = [:]

        init(_ schedule: Schedule, _ tasks: [[RankTask]]) {
            self.schedule = schedule
            for (rank, list) in tasks.enumerated() {
                for (index, task) in list.enumerated() where task.kind == .summing {
                    nodes[task] = Node(rank: rank, task: index)
                }
            }
        }

        func causes(of task: RankTask) -> [Node] {
            switch task {
            case .sum(let stage): schedule.otherCopies(ofStage: stage).compactMap { nodes[.share(stage: $0)] }
            case .collect(let stage): schedule.otherCopies(ofStage: stage).compactMap { nodes[.sum(stage: $0)] }
            case .pack, .action, .share, .update: []
            }
        }
    }
}

extension Schedule {
    /// The stages that hold the same weights as a stage, in the order of their copies.
    func otherCopies(ofStage stage: Int) -> [Int] {
        (0..<copies).map { $0 * stagesOfCopy + modelStage(stage) }.filter { $0 != stage }
    }
}
