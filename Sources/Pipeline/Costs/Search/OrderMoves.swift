// SPDX-License-Identifier: Apache-2.0

/// Small changes of an order, most of them where its critical path is.
///
/// A makespan only gets shorter when something changes on its critical path, and there only when another action comes first or last in
/// a block of actions that one rank does without a pause (Grabowski et al. 1986 for flow shops; Nowicki and Smutnicki 1996 for job shops).
struct OrderMoves: Sendable {
    /// The list indices of the critical path's actions, the last first, and their ranks.
    private var path: [Int]
    private var rankOfPath: [Int]
    private var count = 0
    /// A rank's tokens before the last change, and how many.
    private(set) var saved: [Int32]
    private var savedCount = 0

    init(_ model: OrderModel) {
        path = Array(repeating: 0, count: model.first.last!)
        rankOfPath = path
        saved = Array(repeating: 0, count: model.first.last!)
    }

    /// Follows the critical path back from the last action of all. A tie between the rank's previous action and the input is
    /// decided by chance.
    mutating func follow(_ replay: TokenReplay, _ order: TokenOrder, _ model: OrderModel, _ random: inout SearchRandom)
    {
        var rank = 0
        for other in 0..<model.ranks where replay.endOfRank[other] > replay.endOfRank[rank] { rank = other }
        var index = model.first[rank] + order.count[rank] - 1
        count = 0
        while true {
            path[count] = index
            rankOfPath[count] = rank
            count += 1
            let wait = replay.wait[index]
            let isFirst = index == model.first[rank]
            if wait > 0 || (isFirst && wait == 0) || (wait == 0 && random.bits() & 1 == 0) {
                let source = Int(model.input[Int(order.tokens[index])])
                index = Int(replay.position[source * model.microbatches + Int(replay.number[index])])
                rank = model.problem.rankOfStage[source / 3]
            } else if isFirst {
                return
            } else {
                index -= 1
            }
        }
    }

    /// What was changed.
    struct Change {
        let rank: Int
        /// The first and last index of the list that may have another token.
        let first, last: Int
        /// Whether the same tokens stand in another order.
        let isOrder: Bool
    }

    /// Changes one rank's string, and tells where; nil where chance came upon no change.
    mutating func change(_ order: inout TokenOrder, _ model: OrderModel, _ random: inout SearchRandom) -> Change? {
        let (rank, index, low, high) = position(order, model, &random)
        save(order, rank, model)
        let start = model.first[rank]
        let end = start + order.count[rank]
        // From where to where a token is taken.
        var (from, to) = (index, index)
        switch random.below(20) {
        case 0...2: to = low
        case 3...5: to = high
        case 6: from = low
        case 7: from = high
        case 8, 9: to = max(start, index - 1 - random.below(8))
        case 10, 11: to = min(end - 1, index + 1 + random.below(12))
        case 12: return swap(&order, rank, index, low + random.below(high - low + 1))
        case 13: return swap(&order, rank, index, min(end - 1, index + 1 + random.below(6)))
        case 14: (from, to) = (start + random.below(end - start), start + random.below(end - start))
        case 15...17: return swapAll(&order, rank, index, min(end, index + 2 + random.below(end - index)))
        default:
            let isCut = Self.cutOrJoin(&order, rank, index, model, &random)
            return isCut ? Change(rank: rank, first: start, last: end - 1, isOrder: false) : nil
        }
        guard Self.shift(&order, from: from, to: to) else { return nil }
        return Change(rank: rank, first: min(from, to), last: max(from, to), isOrder: true)
    }

    /// Takes the last change back.
    func undo(_ order: inout TokenOrder, _ rank: Int, _ model: OrderModel) {
        let start = model.first[rank]
        for index in 0..<savedCount { order.tokens[start + index] = saved[index] }
        order.count[rank] = savedCount
    }

    private mutating func save(_ order: TokenOrder, _ rank: Int, _ model: OrderModel) {
        let start = model.first[rank]
        savedCount = order.count[rank]
        for index in 0..<savedCount { saved[index] = order.tokens[start + index] }
    }

    /// A list index on the critical path, the rank it is on, and the first and last of its block.
    private func position(
        _ order: TokenOrder, _ model: OrderModel, _ random: inout SearchRandom
    ) -> (rank: Int, index: Int, low: Int, high: Int) {
        let step = random.below(count)
        let (rank, index) = (rankOfPath[step], path[step])
        var (low, high) = (step, step)
        while low + 1 < count, rankOfPath[low + 1] == rank { low += 1 }
        while high > 0, rankOfPath[high - 1] == rank { high -= 1 }
        return (rank, index, path[low], path[high])
    }

    /// Takes a token to another index; those between move up.
    private static func shift(_ order: inout TokenOrder, from: Int, to: Int) -> Bool {
        let token = order.tokens[from]
        let step = to < from ? -1 : 1
        var (index, isChanged) = (from, false)
        while index != to {
            if order.tokens[index + step] != token { isChanged = true }
            order.tokens[index] = order.tokens[index + step]
            index += step
        }
        order.tokens[to] = token
        return isChanged
    }

    private func swap(_ order: inout TokenOrder, _ rank: Int, _ one: Int, _ other: Int) -> Change? {
        if order.tokens[one] == order.tokens[other] { return nil }
        order.tokens.swapAt(one, other)
        return Change(rank: rank, first: min(one, other), last: max(one, other), isOrder: true)
    }

    /// Wherever the same two tokens follow each other from an index to an end, they change sides.
    private func swapAll(_ order: inout TokenOrder, _ rank: Int, _ from: Int, _ end: Int) -> Change? {
        guard from + 1 < end else { return nil }
        let (one, other) = (order.tokens[from], order.tokens[from + 1])
        if one == other { return nil }
        var (index, last) = (from, from)
        while index + 1 < end {
            if order.tokens[index] == one && order.tokens[index + 1] == other {
                order.tokens.swapAt(index, index + 1)
                index += 1
                last = index
            }
            index += 1
        }
        return Change(rank: rank, first: from, last: last, isOrder: true)
    }

    /// Makes one B of I and W, or the other way round.
    private static func cutOrJoin(
        _ order: inout TokenOrder, _ rank: Int, _ index: Int, _ model: OrderModel, _ random: inout SearchRandom
    ) -> Bool {
        let token = Int(order.tokens[index])
        let stage = model.stage(token)
        let (start, end) = (model.first[rank], model.first[rank] + order.count[rank])
        if token >= model.streams {
            for other in stride(from: end, to: index + 1, by: -1) { order.tokens[other] = order.tokens[other - 1] }
            order.count[rank] += 1
            order.tokens[index] = Int32(3 * stage + 1)
            order.tokens[index + 1] = Int32(3 * stage + 2)
            let to = index + 1 + (random.bits() & 1 == 0 ? 0 : random.below(min(12, end - index)))
            _ = shift(&order, from: index + 1, to: to)
            return true
        }
        if token % 3 == 0 { return false }
        // The partner: of an I the next W of its stage, of a W the I before it.
        let partner = Int32(token % 3 == 1 ? token + 1 : token - 1)
        let step = token % 3 == 1 ? 1 : -1
        var other = index + step
        while other >= start && other < end && order.tokens[other] != partner { other += step }
        if other < start || other >= end { return false }
        let (stays, goes) = random.bits() & 1 == 0 ? (index, other) : (other, index)
        order.tokens[stays] = Int32(model.streams + stage)
        for later in goes..<end - 1 { order.tokens[later] = order.tokens[later + 1] }
        order.count[rank] -= 1
        return true
    }
}
