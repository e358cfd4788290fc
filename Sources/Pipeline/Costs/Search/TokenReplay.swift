// SPDX-License-Identifier: Apache-2.0

/// When the actions of a string of tokens are done: to the bit what `OrderTimes` finds for the same order.
///
/// Each rank is followed until it waits for another; whoever hands that on lets it go on. So each action is looked at once, and
/// nothing is allocated.
package struct TokenReplay: Sendable {
    /// For each stream and microbatch, when it ended.
    private(set) var ends: [Double]
    /// For each stream how many have ended.
    private var done: [Int32]
    /// For each rank the next token, when it is free, and the stream that it waits for or -1.
    private var next: [Int]
    private var free: [Double]
    private var waits: [Int32]
    /// Ranks that can go on.
    private var ready: [Int]
    /// For each rank, for how long it may stand idle in all before the order is given up.
    private var patience: [Double]
    /// For each token of the list (`TokenOrder`), how long after its rank was free its input came; of traced replays only.
    private(set) var wait: [Double]
    /// For each token of the list, its microbatch; of traced replays only.
    private(set) var number: [Int32]
    /// For each stream and microbatch, the longest chain from its start to the end of all; of traced replays only.
    private(set) var tails: [Double]
    /// The list indices of all tokens, each after those that it waits for; of traced replays only.
    private var sequence: [Int]
    /// For each stream and microbatch, where its token stands in the list; of traced replays only.
    private(set) var position: [Int32]

    package init(_ model: OrderModel) {
        ends = Array(repeating: 0, count: (model.streams + 1) * model.microbatches)
        position = Array(repeating: 0, count: ends.count)
        tails = ends
        sequence = Array(repeating: 0, count: model.first.last!)
        done = Array(repeating: 0, count: model.streams + 1)
        next = Array(repeating: 0, count: model.ranks)
        free = Array(repeating: 0, count: model.ranks)
        waits = Array(repeating: -1, count: model.ranks)
        ready = Array(repeating: 0, count: model.ranks)
        patience = free
        endOfRank = free
        wait = Array(repeating: 0, count: model.first.last!)
        number = Array(repeating: 0, count: wait.count)
    }

    /// For each rank of the order replayed last, when its last action ended.
    private(set) var endOfRank: [Double]

    /// The makespan; nil for an order in which ranks wait for each other for ever, and for one that takes longer than `limit`
    /// and is given up as soon as that shows.
    ///
    /// - Precondition: each rank's string passes `RankCheck`, and takes its rank so long as `work` says.
    package mutating func makespan(_ order: TokenOrder, _ model: OrderModel, work: [Double], limit: Double) -> Double? {
        for rank in 0..<model.ranks { patience[rank] = limit - work[rank] }
        return run(order, model, isTraced: false)
    }

    /// The makespan, nil as above; and notes what the critical path follows from.
    package mutating func trace(_ order: TokenOrder, _ model: OrderModel) -> Double? {
        for rank in 0..<model.ranks { patience[rank] = .infinity }
        guard let makespan = run(order, model, isTraced: true) else { return nil }
        followBack(order, model)
        return makespan
    }

    /// Tails, from the last action back.
    private mutating func followBack(_ order: TokenOrder, _ model: OrderModel) {
        let microbatches = model.microbatches
        for rank in 0..<model.ranks { free[rank] = 0 }
        for turn in stride(from: order.count.reduce(0, +) - 1, through: 0, by: -1) {
            let index = sequence[turn]
            let token = Int(order.tokens[index])
            let (stream, output) = (Int(model.stream[token]), Int(model.output[token]))
            let microbatch = Int(number[index])
            let rank = model.rankOfToken[token]
            var after = free[rank]
            if output >= 0 { after = max(after, model.lagOut[token] + tails[output * microbatches + microbatch]) }
            free[rank] = after + model.length[token]
            tails[stream * microbatches + microbatch] = free[rank]
        }
    }

    @inline(__always)
    private mutating func run(_ order: TokenOrder, _ model: OrderModel, isTraced: Bool) -> Double? {
        let ranks = model.ranks
        for rank in 0..<ranks {
            next[rank] = model.first[rank]
            free[rank] = 0
            waits[rank] = -1
            ready[rank] = ranks - 1 - rank
        }
        for stream in done.indices { done[stream] = 0 }
        let (tokens, length, lag) = (order.tokens.span, model.length.span, model.lag.span)
        let (streams, input, receiver) = (model.stream.span, model.input.span, model.receiver.span)
        let microbatches = model.microbatches
        var (left, turn) = (ranks, 0)
        var count = ranks
        while count > 0 {
            count -= 1
            let rank = ready[count]
            var (index, now, patience) = (next[rank], free[rank], patience[rank])
            let end = model.first[rank] + order.count[rank]
            while index < end {
                let token = Int(tokens[index])
                let stream = Int(streams[token])
                let microbatch = Int(done[stream])
                let source = Int(input[token])
                var arrival = -Double.infinity
                if source >= 0 {
                    if Int(done[source]) <= microbatch {
                        waits[rank] = Int32(source)
                        break
                    }
                    arrival = ends[source * microbatches + microbatch] + lag[token]
                }
                if isTraced {
                    wait[index] = arrival - now
                    number[index] = Int32(microbatch)
                    sequence[turn] = index
                    turn += 1
                    position[stream * microbatches + microbatch] = Int32(index)
                }
                if arrival > now {
                    patience -= arrival - now
                    if patience < 0 { return nil }
                    now = arrival
                }
                now += length[token]
                ends[stream * microbatches + microbatch] = now
                done[stream] = Int32(microbatch + 1)
                let receiver = Int(receiver[token])
                if receiver >= 0, waits[receiver] == Int32(stream) {
                    waits[receiver] = -1
                    ready[count] = receiver
                    count += 1
                }
                index += 1
            }
            if index == end { left -= 1 }
            next[rank] = index
            free[rank] = now
            self.patience[rank] = patience
        }
        for rank in 0..<ranks { endOfRank[rank] = free[rank] }
        return left > 0 ? nil : free.max()
    }
}
