// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// ZB-V (Qi et al., 2401.10241, section 6): stages down the ranks and back up, so that no rank waits between its first
    /// action and its last, and all hold the same.
    ///
    ///     2 ranks, 4 microbatches; rank r runs stages a = r and b = 2P - 1 - r
    ///     rank 0:  Fa0 Fa1 Fa2 Fb0 Ib0 Wb0 Fb1 Ib1 Wb1 Fa3 Ia0 Wa0 Fb2 Ib2 Wb2 Ia1 Wa1 Fb3 Ib3 Wb3 Ia2 Wa2 Ia3 Wa3
    ///     rank 1:  ... Fa0 Fb0 Fa1 Fb1 Ib0 Wb0 Fa2 Ia0 Wa0 Fb2 Ib1 Wb1 Fa3 Ia1 Wa1 Fb3 Ib2 Wb2 Ia2 Ib3 Ia3 Wa2 Wb3 Wa3
    ///
    /// - Bubble: (P - 1)F at F = I = W, in the times of a chunk, all of it before a rank's first action or after its last;
    ///   (3P - 1 - 2M)F more where M is that small.
    /// - Memory: at most 2P chunks in flight on every rank, for as long as to their W: as much as 1F1B's first rank.
    /// - Constraints: two stages a rank. With M < 2P - 1 it is the order for 2P - 1, without those that are not there.
    public static let zeroBubbleV = ScheduleKind(
        "zb-v", title: "ZB-V",
        about: About(
            authors: "Qi et al.", paper: "2401.10241",
            summary:
                "Rank r runs stages r and 2P-1-r. After 2(P-r)-1 forwards and as many of both stages as it takes for backwards to arrive, forward, I and W of one stage and the other in turn; the last Ws fill what would be idle.",
            idle: "(P-1)F at F = I = W, and with 2M < 3P-1 (3P-1-2M)F more, in the times of a chunk",
            peak: "at most min(2M, 2P) chunks",
            constraints: "none: with M < 2P-1 it is the order for 2P-1, without the microbatches that are not there"),
        stagesOfRank: .exactly(2), actionsOfMicrobatch: 3
    ) { sizes in
        let whole = max(sizes.microbatches, 2 * sizes.ranks - 1)
        let actions = (0..<sizes.ranks).map { rank in
            zeroBubbleV(rank: rank, of: sizes.ranks, whole).filter { $0.microbatch < sizes.microbatches }
        }
        return (Schedule.vPlacement(ranks: sizes.ranks), actions)
    }

    private static func zeroBubbleV(rank: Int, of ranks: Int, _ microbatches: Int) -> [Action] {
        let (a, b) = (rank, 2 * ranks - 1 - rank)
        var list = RankOrder()
        for _ in 0..<2 * (ranks - rank) - 1 { list.forward(a) }
        for _ in 0..<rank {
            list.forward(b)
            list.forward(a)
        }
        for _ in rank..<ranks {
            list.forward(b)
            list.splitBackward(b)
        }
        for _ in ranks..<microbatches {
            if list.forwardCount(a) < microbatches { list.forward(a) }
            list.splitBackward(a)
            list.forward(b)
            list.splitBackward(b)
        }
        for _ in 0..<rank {
            list.backward(a, isWhole: false)
            list.backward(b, isWhole: false)
        }
        for _ in rank..<ranks {
            list.backward(a, isWhole: false)
            list.oldestWeights(preferring: a)
        }
        for stage in [b, a] {
            for _ in 0..<rank { list.oldestWeights(preferring: stage) }
        }
        return list.actions
    }
}
