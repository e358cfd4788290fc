// SPDX-License-Identifier: Apache-2.0

/// How long an order takes at least after a small change, as far as chains through the change are concerned: heads and tails of all
/// other actions are taken for what they were (Taillard 1994). Most changes that lengthen an order show so without a replay.
struct MakespanGuess: Sendable {
    /// For each stream the microbatch of its first token in the window.
    private var next: [Int]
    /// For each token of the window when it would end, and its microbatch.
    private var end: [Double]
    private var number: [Int]

    init(_ model: OrderModel) {
        next = Array(repeating: 0, count: model.streams)
        end = Array(repeating: 0, count: model.first.last!)
        number = Array(repeating: 0, count: end.count)
    }

    /// Of an order after a change that has the same tokens in another order.
    ///
    /// - Parameters:
    ///   - moves: what the rank's tokens were.
    ///   - traced: of the order before the change.
    /// - Complexity: O(tokens between the first and the last that changed).
    mutating func makespan(
        _ change: OrderMoves.Change, _ moves: OrderMoves, _ order: TokenOrder, _ traced: TokenReplay,
        _ model: OrderModel
    ) -> Double {
        let (first, last, start) = (change.first, change.last, model.first[change.rank])
        let microbatches = model.microbatches
        var index = last
        while index >= first {
            next[Int(model.stream[Int(moves.saved[index - start])])] = Int(traced.number[index])
            index -= 1
        }
        var now = 0.0
        if first > start {
            let stream = Int(model.stream[Int(order.tokens[first - 1])])
            now = traced.ends[stream * microbatches + Int(traced.number[first - 1])]
        }
        index = first
        while index <= last {
            let token = Int(order.tokens[index])
            let (stream, source) = (Int(model.stream[token]), Int(model.input[token]))
            let microbatch = next[stream]
            next[stream] = microbatch + 1
            if source >= 0 { now = max(now, traced.ends[source * microbatches + microbatch] + model.lag[token]) }
            now += model.length[token]
            end[index - first] = now
            number[index - first] = microbatch
            index += 1
        }
        var (after, makespan) = (0.0, 0.0)
        if last + 1 < start + order.count[change.rank] {
            let stream = Int(model.stream[Int(order.tokens[last + 1])])
            after = traced.tails[stream * microbatches + Int(traced.number[last + 1])]
        }
        index = last
        while index >= first {
            let token = Int(order.tokens[index])
            let output = Int(model.output[token])
            if output >= 0 {
                after = max(after, model.lagOut[token] + traced.tails[output * microbatches + number[index - first]])
            }
            makespan = max(makespan, end[index - first] + after)
            after += model.length[token]
            index -= 1
        }
        return makespan
    }
}
