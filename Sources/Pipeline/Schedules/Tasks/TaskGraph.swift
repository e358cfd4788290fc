// SPDX-License-Identifier: Apache-2.0

/// The tasks of all ranks with what each waits for.
///
/// Each waits for its rank's earlier ones, and for its senders; for nothing else, since what a rank hands to itself it has done
/// before. What belongs to a task takes a few bytes, for there may be tens of millions.
public struct TaskGraph: Sendable {
    /// Which task of which rank.
    public struct Node: Hashable, Sendable {
        private let rankNumber, taskNumber: Int32

        /// Of numbers that a schedule can have: below two thousand million.
        public init(rank: Int, task: Int) { (rankNumber, taskNumber) = (Int32(rank), Int32(task)) }

        /// Counts from 0.
        public var rank: Int { Int(rankNumber) }
        /// Counts from 0, in the order of the rank's tasks.
        public var task: Int { Int(taskNumber) }

        fileprivate var isNobody: Bool { rankNumber < 0 }
    }

    /// For each rank, in the order it does them.
    public let tasks: [[RankTask]]
    /// All tasks, each after those that it has to wait for.
    public let order: [Node]
    /// Of all tasks, rank after rank, the only one of another rank that hands on what it receives; `nobody` for none, or several.
    private let sender: [Node]
    private static let nobody = Node(rank: -1, task: -1)
    /// Of those that receive from several.
    private let several: [Node: [Node]]
    /// For each rank, how many tasks the ranks before it have.
    private let first: [Int]

    /// K: how many stages each copy has that the tasks are of.
    let stagesOfCopy: Int
    /// Of all copies.
    let stages: Int
    /// Whether gradients, or losses, are summed over copies.
    let hasReductions: Bool

    /// Whether there are so many values for each rank as it has tasks.
    func has(shape counts: [Int]) -> Bool { counts == tasks.map(\.count) }

    /// The tasks of other ranks that hand on what a task receives: none where it receives nothing, or from its own rank; one of an action's,
    /// several where gradients are summed over copies.
    public func senders(of node: Node) -> [Node] {
        if let only = onlySender(of: node) { return [only] }
        return several.isEmpty ? [] : several[node] ?? []
    }

    /// The same without a list, where there are not several.
    @inline(__always)
    func onlySender(of node: Node) -> Node? {
        let only = sender[number(of: node)]
        return only.isNobody ? nil : only
    }

    /// Counts all tasks, rank after rank, from 0.
    @inline(__always)
    func number(of node: Node) -> Int { first[node.rank] + node.task }

    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced, or wait for each other.
    public init(_ schedule: Schedule) throws(ScheduleError) { try self.init(try schedule.completeOrder()) }

    init(_ sorted: ScheduleOrder) throws(ScheduleError) {
        let schedule = sorted.schedule
        let tasks = schedule.tasks
        let taskOfAction = tasks.map { list in
            list.indices.compactMap { index -> Int32? in
                if case .action = list[index] { Int32(index) } else { nil }
            }
        }
        let first = tasks.reduce(into: [0]) { $0.append($0.last! + $1.count) }
        var sender = [Node](repeating: Self.nobody, count: first.last!)
        // An action brings the tasks before it that are no actions; what is left at the end follows.
        var order: [Node] = []
        order.reserveCapacity(first.last!)
        var next = tasks.map { _ in 0 }
        var run = OrderRun(sorted)
        while let finished = try run.next() {
            let rank = finished.rank
            let last = Int(taskOfAction[rank][finished.index])
            while next[rank] <= last {
                order.append(Node(rank: rank, task: next[rank]))
                next[rank] += 1
            }
            if let other = sorted.sender(of: schedule.actions[rank][finished.index]) {
                sender[first[rank] + last] = Node(rank: other.rank, task: Int(taskOfAction[other.rank][other.index]))
            }
        }
        // Of all ranks, first what shares, then what sums, then what collects: as each rank has them.
        let rest = tasks.enumerated().flatMap { rank, list in
            (next[rank]..<list.count).map { Node(rank: rank, task: $0) }
        }
        for phase in Phase.allCases { order += rest.filter { Phase(tasks[$0.rank][$0.task]) == phase } }
        (self.order, self.tasks, self.sender, self.first) = (order, tasks, sender, first)
        several = schedule.copies <= 1 ? [:] : Reductions(schedule, tasks).senders
        (stagesOfCopy, stages) = (schedule.stagesOfCopy, schedule.stages)
        hasReductions = schedule.copies > 1
    }

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

    /// What tasks that sum over copies receive.
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

        /// From other ranks.
        var senders: [Node: [Node]] {
            var senders: [Node: [Node]] = [:]
            for (task, node) in nodes {
                let others = causes(of: task).filter { $0.rank != node.rank }
                if !others.isEmpty { senders[node] = others }
            }
            return senders
        }

        private func causes(of task: RankTask) -> [Node] {
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
