// SPDX-License-Identifier: Apache-2.0

/// A time that no order of the same actions, on the same ranks and with the same costs, can be done in less than.
///
/// For each rank alone: its actions, none before the earliest moment at which it can begin (its head: the longest chain of
/// hand-offs that leads to it), each followed by the longest chain that has to come after it (its tail). What one machine takes for them at least is
/// known exactly when it may put actions down and take them up again: always take the one with the longest tail of those that
/// can begin (Jackson's preemptive schedule; Carlier 1982). The largest of all ranks' is the bound; the longest chain of all
/// is never longer than it.
public struct MakespanBound: Equatable, Sendable {
    /// The bound itself, in the costs' unit; infinite where no order fits.
    public let value: Double
    /// The rank that proves it.
    public let rank: Int
    /// For each rank, what it proves.
    public let valueOfRank: [Double]
    /// What shows it: the longest chain where that is as long as the bound, else `rank`'s own work.
    public let proof: Proof
    /// For each rank, how long it works for a step at least.
    public let workOfRank: [Double]

    /// A time that steps cannot be shorter than in the mean, however they overlap: the busiest rank's work of a step. With a
    /// barrier between steps `value` holds of each, which is never less.
    public var steadyStateBound: Double { workOfRank.max() ?? 0 }
    /// The first rank of those that work the longest, which proves `steadyStateBound`.
    public var busiestRank: Int { workOfRank.firstIndex(of: steadyStateBound) ?? 0 }

    /// Of equal stages.
    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced.
    public init(_ schedule: Schedule, _ costs: ChunkCosts = ChunkCosts()) throws(ScheduleError) {
        try self.init(schedule, OrderCosts(equal: costs, stages: schedule.stagesOfCopy))
    }

    /// - Parameters:
    ///   - schedule: one whose actions are all there; their order does not matter.
    ///   - costs: of each of its stages.
    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced.
    /// - Complexity: O(actions), and O(stages x log stages) for each kind of microbatch that splits its backwards at other stages.
    public init(_ schedule: Schedule, _ costs: OrderCosts) throws(ScheduleError) {
        self.init(try schedule.completeOrder(), costs)
    }

    init(_ order: ScheduleOrder, _ costs: OrderCosts) {
        let schedule = order.schedule
        costs.requireFit(schedule)
        var jobs = [[PreemptiveMachine.Job]](repeating: [], count: schedule.ranks)
        var longest = BoundChain(length: -1)
        for (microbatch, count) in order.table.alike {
            let chains = BoundChains(order, costs, microbatch)
            chains.add(to: &jobs, times: count)
            if chains.length > longest.length { longest = chains.longest }
        }
        self.init(jobs, longest)
    }

    /// - Parameters:
    ///   - jobs: of each rank, which has one at least.
    ///   - chain: the longest.
    init(_ jobs: [[PreemptiveMachine.Job]], _ chain: BoundChain) {
        let values = jobs.map { PreemptiveMachine.makespan($0) }
        let rank = values.indices.max { values[$0] < values[$1] } ?? 0
        let value = values.max() ?? 0
        valueOfRank = values
        workOfRank = jobs.map { $0.reduce(0) { $0 + $1.length } }
        (self.value, self.rank) = (value, rank)
        proof = Self.proof(value, rank, jobs, chain)
    }

    /// Of a problem that no order fits.
    /// - Parameter rank: which has no room.
    init(noRoomOn rank: Int, ranks: Int, workOfRank: [Double]) {
        (value, self.rank, self.workOfRank) = (.infinity, rank, workOfRank)
        valueOfRank = (0..<ranks).map { $0 == rank ? .infinity : 0 }
        proof = .room(rank: rank)
    }
}
