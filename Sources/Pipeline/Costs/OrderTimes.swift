// SPDX-License-Identifier: Apache-2.0

/// When each action of an order is done: every rank does its own in its order, each as soon as the rank has come to it and what
/// it receives is there. All ranks begin at 0.
public struct OrderTimes: Sendable {
    /// Whose times they are.
    public let schedule: Schedule
    /// How long each action takes, and each hand-off.
    public let costs: OrderCosts
    /// For each rank and action, when it begins.
    public let start: [[Double]]
    /// When the last action ends.
    public let makespan: Double

    /// Of equal stages.
    /// - Throws: `ScheduleError` when the order cannot be run.
    public init(_ schedule: Schedule, _ costs: ChunkCosts = ChunkCosts()) throws(ScheduleError) {
        try self.init(schedule, OrderCosts(equal: costs, stages: schedule.stagesOfCopy))
    }

    /// - Parameters:
    ///   - schedule: any.
    ///   - costs: of each of its stages.
    /// - Throws: `ScheduleError` when the order cannot be run.
    /// - Complexity: O(actions).
    public init(_ schedule: Schedule, _ costs: OrderCosts) throws(ScheduleError) {
        costs.requireFit(schedule)
        let order = try schedule.completeOrder()
        var start = schedule.actions.map { [Double](repeating: 0, count: $0.count) }
        var free = [Double](repeating: 0, count: schedule.ranks)
        var run = OrderRun(order)
        while let finished = try run.next() {
            let (rank, index) = (finished.rank, finished.index)
            let action = schedule.actions[rank][index]
            var begin = free[rank]
            if let sender = order.sender(of: action) {
                let sent = schedule.actions[sender.rank][sender.index]
                let ended = start[sender.rank][sender.index] + costs.duration(sent, in: schedule)
                begin = max(begin, ended + costs.handOff(from: sent.stage, to: action.stage, in: schedule))
            }
            start[rank][index] = begin
            free[rank] = begin + costs.duration(action, in: schedule)
        }
        self.schedule = schedule
        self.costs = costs
        self.start = start
        makespan = free.max() ?? 0
    }

    /// When an action of a rank ends.
    public func end(_ rank: Int, _ index: Int) -> Double {
        start[rank][index] + duration(schedule.actions[rank][index])
    }

    /// How long an action takes.
    public func duration(_ action: Action) -> Double { costs.duration(action, in: schedule) }

    /// For each rank, how long it works.
    public var work: [Double] {
        schedule.actions.map { list in list.reduce(0) { $0 + duration($1) } }
    }

    /// For each rank, how long it does nothing, from 0 to the makespan.
    public var idle: [Double] { work.map { makespan - $0 } }

    /// For each rank, how long it does nothing between its first action and its last: what papers call the bubble.
    public var idleInside: [Double] {
        zip(start.indices, work).map { rank, work in
            guard let first = start[rank].first else { return 0 }
            // The same times, added up in another order, may come out a little shorter.
            return max(0, end(rank, start[rank].count - 1) - first - work)
        }
    }

    /// The part of ranks x makespan in which nothing is done.
    public var bubble: Double {
        makespan > 0 ? idle.reduce(0, +) / (makespan * Double(schedule.ranks)) : 0
    }
}
