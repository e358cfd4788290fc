// SPDX-License-Identifier: Apache-2.0

/// Runs every rank's list, and gives each action as it finishes: after all that it waits for. Linear in the actions.
struct OrderRun {
    private let order: ScheduleOrder
    private let links: LinkRoom?
    /// How many of its actions each rank has finished.
    private var done: [Int]
    private var waiters: Waiters
    /// Ranks that can go on, and the one that does.
    private var runnable: [Int]
    private var current: Int?

    /// - Parameter links: what else actions wait for: room in links.
    init(_ order: ScheduleOrder, links: LinkRoom? = nil) {
        (self.order, self.links) = (order, links)
        let ranks = order.schedule.ranks
        done = Array(repeating: 0, count: ranks)
        waiters = Waiters(ranks: ranks)
        runnable = Array((0..<ranks).reversed())
    }

    /// The next action that finishes; nil after the last.
    ///
    /// - Throws: `ScheduleError.deadlock`.
    mutating func next() throws(ScheduleError) -> ScheduleOrder.Position? {
        while let rank = current ?? runnable.popLast() {
            let (list, index) = (order.schedule.actions[rank], done[rank])
            current = nil
            if index == list.count { continue }
            if let missing = missing(list[index]) {
                waiters.add(rank, for: missing)
                continue
            }
            let finished = ScheduleOrder.Position(rank: rank, index: index)
            done[rank] = index + 1
            current = rank
            waiters.wake(finished, &runnable)
            return finished
        }
        try checkAllDone()
        return nil
    }

    /// Something that an action waits for and that has not finished; nil where there is nothing.
    @inline(__always)
    private func missing(_ action: Action) -> ScheduleOrder.Position? {
        let needs = order.needs(action)
        if let own = needs.own, !isDone(own) { return own }
        if let handedOn = needs.handedOn, !isDone(handedOn) { return handedOn }
        if let links, let room = links.release(for: action), !isDone(room) { return room }
        return nil
    }

    @inline(__always)
    private func isDone(_ position: ScheduleOrder.Position) -> Bool { position.index < done[position.rank] }

    private func checkAllDone() throws(ScheduleError) {
        let left = zip(order.schedule.actions, done).compactMap { $1 < $0.count ? $0[$1] : nil }
        if !left.isEmpty { throw .deadlock(waiting: left) }
    }
}

/// Ranks that wait, by what they wait for: a list for each rank that they wait for.
private struct Waiters {
    private var first: [Int?]
    private var following: [Int?]
    private var awaited: [Int]

    init(ranks: Int) {
        first = Array(repeating: nil, count: ranks)
        following = first
        awaited = Array(repeating: 0, count: ranks)
    }

    mutating func add(_ waiter: Int, for cause: ScheduleOrder.Position) {
        following[waiter] = first[cause.rank]
        first[cause.rank] = waiter
        awaited[waiter] = cause.index
    }

    /// Moves those that waited for this action to the ranks that can go on.
    mutating func wake(_ finished: ScheduleOrder.Position, _ runnable: inout [Int]) {
        var waiter = first[finished.rank]
        if waiter == nil { return }
        var left: Int?
        while let rank = waiter {
            waiter = following[rank]
            if awaited[rank] == finished.index {
                runnable.append(rank)
            } else {
                following[rank] = left
                left = rank
            }
        }
        first[finished.rank] = left
    }
}
