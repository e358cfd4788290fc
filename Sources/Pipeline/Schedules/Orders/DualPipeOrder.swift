// SPDX-License-Identifier: Apache-2.0

/// DualPipe's and DualPipeV's order of a rank: `a` is its stage that microbatches come by first, `b` the other one.
struct DualPipeOrder {
    private let depth, after, microbatches, ranks: Int

    /// - Parameters:
    ///   - depth: how many ranks come before it.
    ///   - ranks: how many there are from the end to the turn.
    ///   - microbatches: how many go through each of its stages.
    init(depth: Int, of ranks: Int, microbatches: Int) {
        (self.depth, self.ranks, self.microbatches) = (depth, ranks, microbatches)
        after = ranks - 1 - depth
    }

    func order(_ a: Int, _ b: Int) -> [Action] {
        var list = RankOrder()
        for _ in 0..<2 * after { list.forward(a) }
        for _ in 0...depth {
            list.forward(a)
            list.forward(b)
        }
        for _ in 0..<after {
            list.splitBackward(b)
            list.forward(b)
        }
        for _ in 0..<microbatches - 2 * ranks + depth + 1 {
            list.forward(a)
            list.backward(b, isWhole: true)
            list.forward(b)
            list.backward(a, isWhole: true)
        }
        for _ in 0..<after {
            list.backward(b, isWhole: true)
            list.forward(b)
            list.backward(a, isWhole: true)
        }
        // The first half is whole; of the second, Ws are left over for the end.
        for index in 0..<2 * (depth + 1) { list.backward(index % 2 == 0 ? b : a, isWhole: index <= depth) }
        for _ in 0..<after {
            list.oldestWeights()
            list.backward(a, isWhole: false)
        }
        while list.weightsLeft > 0 { list.oldestWeights() }
        return list.actions
    }
}
