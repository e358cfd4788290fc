/// A schedule whose actions are all there, with what each of them waits for.
struct ScheduleOrder {
    /// An action of a rank's list.
    struct Position: Equatable {
        let rank: Int
        let index: Int
    }

    let schedule: Schedule
    let table: ActionTable

    /// - Throws: `ScheduleError` when actions are missing, repeated or misplaced.
    init(_ schedule: Schedule) throws(ScheduleError) {
        self.schedule = schedule
        table = try ActionTable(schedule)
    }

    /// Calls `body` with each finished action that an action needs, besides its rank's earlier ones.
    @inline(__always)
    func forEachCause(of action: Action, _ body: (Position) -> Void) {
        let (stage, microbatch) = (action.stage, action.microbatch)
        func cause(_ step: ActionTable.Step, _ stage: Int) {
            body(Position(rank: schedule.rankOfStage[stage], index: table.index(step, stage, microbatch)))
        }
        switch action.kind {
        case .forward: if stage > 0 { cause(.forward, stage - 1) }
        case .backward, .backwardInput:
            cause(.forward, stage)
            if stage + 1 < schedule.stages { cause(.inputGradient, stage + 1) }
        case .backwardWeights: cause(.inputGradient, stage)
        }
    }

    /// The action of another rank that hands on what an action receives; nil where it receives nothing, or from its own rank.
    func sender(of action: Action) -> Position? {
        var sender: Position?
        forEachCause(of: action) { cause in
            if cause.rank != schedule.rankOfStage[action.stage] { sender = cause }
        }
        return sender
    }

    /// The causes of an action, in no order that counts.
    func causes(of action: Action) -> [Position] {
        var causes: [Position] = []
        forEachCause(of: action) { causes.append($0) }
        return causes
    }

    /// The same as actions.
    func causingActions(of action: Action) -> [Action] {
        causes(of: action).map { schedule.actions[$0.rank][$0.index] }
    }

    /// Runs every rank's list, and calls `finish` as each action finishes: after all that it waits for. Linear in the actions.
    ///
    /// - Parameter links: what else actions wait for: room in links.
    /// - Throws: `ScheduleError.deadlock`.
    func run(links: LinkRoom? = nil, finish: (_ rank: Int, _ index: Int) -> Void) throws(ScheduleError) {
        var next = [Int](repeating: 0, count: schedule.ranks)
        var waiters = Waiters(ranks: schedule.ranks)
        var runnable = Array((0..<schedule.ranks).reversed())
        while let rank = runnable.popLast() {
            let list = schedule.actions[rank]
            while next[rank] < list.count {
                var missing: Position?
                func look(_ cause: Position) { if cause.index >= next[cause.rank] { missing = cause } }
                forEachCause(of: list[next[rank]], look)
                links?.forEachCause(of: list[next[rank]], look)
                if let missing {
                    waiters.add(rank, for: missing)
                    break
                }
                finish(rank, next[rank])
                waiters.wake(Position(rank: rank, index: next[rank]), &runnable)
                next[rank] += 1
            }
        }
        let left = zip(schedule.actions, next).compactMap { $1 < $0.count ? $0[$1] : nil }
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

/// What sends wait for where links have room for so many items: their receiver's release of an older one. Slots come back in the
/// order in which they were taken.
struct LinkRoom {
    private let schedule: Schedule
    private let table: ActionTable
    /// For each stage and microbatch, the microbatch whose release makes room for its send; -1 for none.
    private let activations, gradients: [Int32]

    /// - Parameters:
    ///   - activationSlots: by sending stage, as `gradientSlots`; one for each stage.
    init(_ order: ScheduleOrder, activationSlots: [Int], gradientSlots: [Int]) {
        schedule = order.schedule
        table = order.table
        activations = Self.releases(order, activationSlots) { $0.kind == .forward }
        gradients = Self.releases(order, gradientSlots, of: \.kind.givesInputGradient)
    }

    private static func releases(
        _ order: ScheduleOrder, _ slots: [Int], of isSent: (Action) -> Bool
    ) -> [Int32] {
        let schedule = order.schedule
        var sent = [[Int]](repeating: [], count: schedule.stages)
        var releases = [Int32](repeating: -1, count: schedule.stages * schedule.microbatches)
        for action in schedule.actions.joined() where isSent(action) {
            let number = sent[action.stage].count
            sent[action.stage].append(action.microbatch)
            if number >= slots[action.stage] {
                // Without any slot there is never room: it waits for its own item's release.
                let older = slots[action.stage] < 1 ? number : number - slots[action.stage]
                releases[action.stage * schedule.microbatches + action.microbatch] = Int32(sent[action.stage][older])
            }
        }
        return releases
    }

    func forEachCause(of action: Action, _ body: (ScheduleOrder.Position) -> Void) {
        func wait(_ releases: [Int32], at receiver: Int) {
            let older = releases[action.stage * schedule.microbatches + action.microbatch]
            guard older >= 0, (0..<schedule.stages).contains(receiver) else { return }
            let end: ActionTable.Step = schedule.isForwardOnly ? .forward : .end
            body(
                ScheduleOrder.Position(
                    rank: schedule.rankOfStage[receiver], index: table.index(end, receiver, Int(older))))
        }
        if action.kind == .forward { wait(activations, at: action.stage + 1) }
        if action.kind.givesInputGradient { wait(gradients, at: action.stage - 1) }
    }
}
