// SPDX-License-Identifier: Apache-2.0

/// A time that no order of the same actions, on the same ranks and with the same costs, can be done in less than.
///
/// For each rank alone: its actions, none before the earliest moment at which it can begin (its head: the longest chain of
/// hand-offs that leads to it), each followed by the longest chain that has to come after it (its tail). What one machine takes for them at least is
/// known exactly when it may put actions down and take them up again: always take the one with the longest tail of those that
/// can begin (Jackson's preemptive schedule; Carlier 1982). The largest of all ranks' is the bound; the longest chain of all
/// is never longer than it.
public struct MakespanBound: Equatable, Sendable {
    /// The bound itself, in the costs' unit.
    public let value: Double
    /// The rank that proves it.
    public let rank: Int
    /// For each rank, what it proves.
    public let valueOfRank: [Double]

    /// Of equal stages.
    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced.
    public init(_ schedule: Schedule, _ costs: ChunkCosts = ChunkCosts()) throws(ScheduleError) {
        try self.init(schedule, OrderCosts(equal: costs, stages: schedule.stagesOfCopy))
    }

    /// - Parameters:
    ///   - schedule: one whose actions are all there; their order does not matter.
    ///   - costs: of each of its stages.
    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced.
    /// - Complexity: O(actions x log actions).
    public init(_ schedule: Schedule, _ costs: OrderCosts) throws(ScheduleError) {
        costs.requireFit(schedule)
        let order = try schedule.completeOrder()
        var jobs = schedule.actions.map { list in
            var jobs: [PreemptiveMachine.Job] = []
            jobs.reserveCapacity(list.count)
            return jobs
        }
        for microbatch in 0..<schedule.microbatches { Chains(order, costs, microbatch).add(to: &jobs) }
        let values = jobs.map { PreemptiveMachine.makespan($0) }
        valueOfRank = values
        rank = values.indices.max { values[$0] < values[$1] } ?? 0
        value = values.max() ?? 0
    }
}

/// One microbatch's actions, with the longest chains that lead to them and from them.
private struct Chains {
    private let order: ScheduleOrder
    private let costs: OrderCosts
    private let microbatch: Int

    init(_ order: ScheduleOrder, _ costs: OrderCosts, _ microbatch: Int) {
        (self.order, self.costs, self.microbatch) = (order, costs, microbatch)
    }

    private var schedule: Schedule { order.schedule }
    /// Those that it goes through.
    private var stages: Range<Int> { schedule.stages(ofCopy: order.table.copies[microbatch] ?? 0) }

    func add(to jobs: inout [[PreemptiveMachine.Job]]) {
        var path = forwards
        if !schedule.isForwardOnly { path += backwards }
        // Along the path, what comes before an action and what comes after it.
        var tail = 0.0
        for index in path.indices.reversed() {
            path[index].tail = max(tail, path[index].branch)
            tail = path[index].tail + path[index].length + path[index].link
        }
        var head = 0.0
        for step in path {
            head += step.link
            jobs[schedule.rankOfStage[step.stage]].append(.init(head: head, length: step.length, tail: step.tail))
            if step.branch > 0 {
                jobs[schedule.rankOfStage[step.stage]].append(
                    .init(head: head + step.length, length: step.branch, tail: 0))
            }
            head += step.length
        }
    }

    /// An action on the path from the first forward to the last gradient.
    private struct Step {
        let stage: Int
        let length: Double
        /// Of the hand-off to it.
        let link: Double
        /// Of the weights' gradients that have to follow, where they are an action of their own.
        var branch = 0.0
        var tail = 0.0
    }

    private var forwards: [Step] {
        stages.map { stage in
            Step(
                stage: stage, length: costs(of: stage).forward,
                link: schedule.isFirst(stage) ? 0 : link(stage - 1, stage))
        }
    }

    private var backwards: [Step] {
        stages.reversed().map { stage in
            let link = schedule.isLast(stage) ? 0 : link(stage + 1, stage)
            let isSplit =
                order.table.index(.inputGradient, stage, microbatch) != order.table.index(.end, stage, microbatch)
            return isSplit
                ? Step(
                    stage: stage, length: costs(of: stage).inputGradient, link: link,
                    branch: costs(of: stage).weightGradient)
                : Step(stage: stage, length: costs(of: stage).duration(.backward), link: link)
        }
    }

    private func costs(of stage: Int) -> ChunkCosts { costs.stages[schedule.modelStage(stage)] }

    private func link(_ from: Int, _ to: Int) -> Double { costs.handOff(from: from, to: to, in: schedule) }
}
