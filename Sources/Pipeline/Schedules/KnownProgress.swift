/// How far each rank knows another to be, whenever it starts an action: through hand-offs, its own and others'.
struct KnownProgress {
    private let order: ScheduleOrder
    private let blocks: [[Int]]
    /// Of blocks of more than two ranks.
    private var sequences: [BlockSequence?]

    /// - Throws: `ScheduleError.deadlock`.
    init(_ order: ScheduleOrder, _ blocks: [[Int]]) throws(ScheduleError) {
        self.order = order
        self.blocks = blocks
        var blocksOfRank = [[Int]](repeating: [], count: order.schedule.ranks)
        for (block, ranks) in blocks.enumerated() where ranks.count > 2 {
            for rank in ranks { blocksOfRank[rank].append(block) }
        }
        var sequences = blocks.map { $0.count > 2 ? BlockSequence($0, order) : nil }
        try order.run { rank, index in
            for block in blocksOfRank[rank] { sequences[block]!.append(rank, index) }
        }
        self.sequences = sequences
    }

    /// For each other rank of a block, and each of its actions, how many actions of `holder` have finished for sure when it
    /// starts, its inputs being there.
    func known(of holder: Int, in block: Int) -> [(rank: Int, counts: [Int32])] {
        if let sequence = sequences[block] { return sequence.known(of: holder) }
        let other = blocks[block][0] == holder ? blocks[block][1] : blocks[block][0]
        var known: Int32 = 0
        let counts = order.schedule.actions[other].map { action -> Int32 in
            if let cause = order.sender(of: action), cause.rank == holder { known = max(known, Int32(cause.index) + 1) }
            return known
        }
        return [(other, counts)]
    }
}

/// A block's actions, each after those that it waits for.
private struct BlockSequence {
    private let order: ScheduleOrder
    private let ranks: [Int]
    private var indexOfRank: [Int32]
    /// Of each action of the sequence: whose it is, counted within the block.
    private var owners: [Int32] = []
    /// Which action of the sequence hands on to it; -1 for none of another rank of the block.
    private var senders: [Int32] = []
    /// For each rank of the block and each of its actions, which of the sequence it is.
    private var numbers: [[Int32]]

    init(_ ranks: [Int], _ order: ScheduleOrder) {
        (self.ranks, self.order) = (ranks, order)
        indexOfRank = Array(repeating: -1, count: order.schedule.ranks)
        for (index, rank) in ranks.enumerated() { indexOfRank[rank] = Int32(index) }
        numbers = Array(repeating: [], count: ranks.count)
    }

    mutating func append(_ rank: Int, _ index: Int) {
        let owner = indexOfRank[rank]
        var number: Int32 = -1
        if let sender = order.sender(of: order.schedule.actions[rank][index]), indexOfRank[sender.rank] >= 0 {
            number = numbers[Int(indexOfRank[sender.rank])][sender.index]
        }
        numbers[Int(owner)].append(Int32(owners.count))
        owners.append(owner)
        senders.append(number)
    }

    func known(of holder: Int) -> [(rank: Int, counts: [Int32])] {
        let own = indexOfRank[holder]
        var latest = [Int32](repeating: 0, count: ranks.count)
        var known = [Int32](repeating: 0, count: owners.count)
        for number in owners.indices {
            let owner = Int(owners[number])
            var count = latest[owner]
            if owners[number] == own {
                count += 1
            } else if senders[number] >= 0 {
                count = max(count, known[Int(senders[number])])
            }
            latest[owner] = count
            known[number] = count
        }
        return zip(ranks, numbers).filter { $0.0 != holder }.map { rank, numbers in
            (rank, numbers.map { known[Int($0)] })
        }
    }
}
