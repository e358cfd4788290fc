// SPDX-License-Identifier: Apache-2.0

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
    /// Block after block, and each after those that it waits for.
    private let events: [Event]
    /// Where each block's events are.
    private let eventsOfBlock: [Range<Int>]
    /// For each action, rank after rank, which event of its block sends its result; -1 where none does.
    private let sends: [Int32]
    /// Where each rank's first action is.
    private let firstOfRank: [Int]
    /// Of the holder's actions, how many have finished for sure when an event starts, its input being there; when one of its own
    /// ends.
    private var known: [Int32]
    /// The same of each rank's latest event.
    private var latest: [Int32]

    /// - Throws: `ScheduleError.deadlock`.
    init(_ order: ScheduleOrder, _ blocks: RankBlocks) throws(ScheduleError) {
        let schedule = order.schedule
        let eventsOfBlock = Self.eventsOfBlocks(schedule, blocks)
        let firstOfRank = Self.sums(schedule.actions.map(\.count))
        var events = [Event](repeating: Event(rank: 0, index: 0, sender: 0), count: eventsOfBlock.last?.upperBound ?? 0)
        var sends = [Int32](repeating: -1, count: firstOfRank.last!)
        var next = eventsOfBlock.map(\.lowerBound)
        var run = OrderRun(order)
        while let finished = try run.next() {
            let (rank, index) = (finished.rank, finished.index)
            let action = schedule.actions[rank][index]
            let (input, output) = blocks.ofInputAndOutput(of: action)
            if let input {
                let sender = order.sender(of: action).map { sends[firstOfRank[$0.rank] + $0.index] } ?? -1
                events[next[input]] = Event(rank: Int32(rank), index: Int32(index), sender: sender)
                next[input] += 1
            }
            guard let output else { continue }
            if output != input {
                events[next[output]] = Event(rank: Int32(rank), index: Int32(index), sender: -1)
                next[output] += 1
            }
            sends[firstOfRank[rank] + index] = Int32(next[output] - eventsOfBlock[output].lowerBound - 1)
        }
        (self.blocks, self.events, self.sends) = (blocks, events, sends)
        (self.eventsOfBlock, self.firstOfRank) = (eventsOfBlock, firstOfRank)
        known = Array(repeating: 0, count: eventsOfBlock.map(\.count).max() ?? 0)
        latest = Array(repeating: 0, count: schedule.ranks)
    }

    private static func eventsOfBlocks(_ schedule: Schedule, _ blocks: RankBlocks) -> [Range<Int>] {
        var counts = [Int](repeating: 0, count: blocks.ranks.count)
        for list in schedule.actions {
            for action in list {
                let (input, output) = blocks.ofInputAndOutput(of: action)
                if let input { counts[input] += 1 }
                if let output, output != input { counts[output] += 1 }
            }
        }
        let sums = sums(counts)
        return zip(sums, sums.dropFirst()).map { $0..<$1 }
    }

    /// 0, and what each number adds up to with all before it.
    private static func sums(_ counts: [Int]) -> [Int] {
        counts.reduce(into: [0]) { sums, count in sums.append(sums.last! + count) }
    }

    /// - Complexity: O(the block's events).
    mutating func follow(_ holder: Int, in block: Int) {
        for rank in blocks.ranks[block] { latest[rank] = 0 }
        for (number, event) in events[eventsOfBlock[block]].enumerated() {
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
    func atSend(_ rank: Int, _ index: Int) -> Int { Int(known[Int(sends[firstOfRank[rank] + index])]) }
}

extension RankBlocks {
    /// The blocks that an action receives in, and sends in.
    fileprivate func ofInputAndOutput(of action: Action) -> (input: Int?, output: Int?) {
        let (below, above) = (ofEdge(above: action.stage - 1), ofEdge(above: action.stage))
        return switch action.kind {
        case .forward: (below, above)
        case .backward, .backwardInput: (above, below)
        case .backwardWeights: (nil, nil)
        }
    }
}
