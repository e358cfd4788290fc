/// How far the other ranks of a block know one of them to be, whenever they start an action: through hand-offs, their own and
/// others'. One rank, the holder, is followed at a time, into memory that the next one takes again.
struct KnownProgress {
    /// An action that receives from a rank of the block, or sends to one.
    private struct Event {
        let rank: Int32
        /// In its rank's list.
        let index: Int32
        /// Which of the block's events hands on to it; -1 for none.
        let sender: Int32
    }

    private let blocks: RankBlocks
    /// Of each block, each after those that it waits for.
    private let events: [[Event]]
    /// For each rank and action, which event of a block sends its result; -1 where none does.
    private let sends: [[Int32]]
    /// Of the holder's actions, how many have finished for sure when an event starts, its input being there; when one of its own
    /// ends.
    private var known: [Int32]
    /// The same of each rank's latest event.
    private var latest: [Int32]

    /// - Throws: `ScheduleError.deadlock`.
    init(_ order: ScheduleOrder, _ blocks: RankBlocks) throws(ScheduleError) {
        let schedule = order.schedule
        var events = [[Event]](repeating: [], count: blocks.ranks.count)
        var sends = schedule.actions.map { [Int32](repeating: -1, count: $0.count) }
        try order.run { rank, index in
            let action = schedule.actions[rank][index]
            if action.kind == .backwardWeights { return }
            let (below, above) = (blocks.ofEdge(above: action.stage - 1), blocks.ofEdge(above: action.stage))
            let (input, output) = action.kind == .forward ? (below, above) : (above, below)
            if let input {
                let sender = order.sender(of: action).map { sends[$0.rank][$0.index] } ?? -1
                events[input].append(Event(rank: Int32(rank), index: Int32(index), sender: sender))
            }
            guard let output else { return }
            if output != input { events[output].append(Event(rank: Int32(rank), index: Int32(index), sender: -1)) }
            sends[rank][index] = Int32(events[output].count - 1)
        }
        (self.blocks, self.events, self.sends) = (blocks, events, sends)
        known = Array(repeating: 0, count: events.map(\.count).max() ?? 0)
        latest = Array(repeating: 0, count: schedule.ranks)
    }

    /// - Complexity: O(the block's events).
    mutating func follow(_ holder: Int, in block: Int) {
        for rank in blocks.ranks[block] { latest[rank] = 0 }
        for (number, event) in events[block].enumerated() {
            var count = latest[Int(event.rank)]
            if event.rank == holder {
                count = event.index + 1
            } else if event.sender >= 0 {
                count = max(count, known[Int(event.sender)])
            }
            latest[Int(event.rank)] = count
            known[number] = count
        }
    }

    /// Of the holder that was followed last, how many actions have finished for sure when an action starts that sends within
    /// that block.
    func atSend(_ rank: Int, _ index: Int) -> Int { Int(known[Int(sends[rank][index])]) }
}
