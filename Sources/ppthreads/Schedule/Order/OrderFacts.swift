// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// An order that can be run, in unit times.
struct OrderFacts {
    let facts: ScheduleFacts
    let costs: ChunkCosts
    let times: OrderTimes
    let bound: MakespanBound
    /// The bound's, no more than the makespan: the same sum in another order may be rounded up.
    var boundValue: Double { min(bound.value, times.makespan) }
    /// Of the file that it was read from, and of orders that are another one's.
    let notes: [String]

    /// - Throws: `ScheduleError` when it cannot be run.
    init(_ schedule: Schedule, _ costs: ChunkCosts, notes: [String] = []) throws(ScheduleError) {
        self.costs = costs
        facts = try schedule.validated()
        times = try OrderTimes(schedule, costs)
        bound = try MakespanBound(schedule, costs)
        self.notes = notes + [schedule.remark].compactMap(\.self)
    }
}
