// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// V-Min (Qi et al., 2405.15362): stages down the ranks and back up, and a third of 1F1B's memory.
    ///
    ///     2 ranks, 4 microbatches; rank r runs stages a = r and b = 2P - 1 - r
    ///     rank 0:  Fa0 Fa1 ... Fb0 Ib0 Wb0 ... Ia0 Wa0 Fb1 Ib1 Wb1 Fa2 Ia1 Wa1 Fb2 Ib2 Wb2 Fa3 Ia2 Wa2 Fb3 ...
    ///     rank 1:  ... Fa0 Fb0 ... ... Ib0 Ia0 Fa1 Fb1 Wb0 Wa0 Ib1 Ia1 Fa2 Fb2 Wb1 Wa1 Ib2 Ia2 Fa3 Fb3 Wb2 ...
    ///
    /// Its building block has Fa at r, Fb at 2P - 1 - r, Ib at 2P + k + r and Ia at 4P + k - 1 - r, with k = 2 on a multiple of
    /// three ranks, or else 0, so that no two fall on a slot (`BuildingBlock`).
    ///
    /// - Bubble: (4P - 5)F, on a multiple of three ranks (4P - 7)F, at F = I = W and with M >= 2P, in the times of a chunk: 11F on
    ///   4 ranks and 27F on 8, against ZB-V's 3F and 7F. It grows with M where F, I and W differ.
    /// - Memory: twice (P + 2)/3, rounded up, chunks in flight: 4 on 4 ranks and 8 on 8, where 1F1B's first rank has 2P.
    /// - Constraints: two stages a rank.
    public static let vMin = ScheduleKind(
        "v-min", title: "V-Min",
        about: About(
            authors: "Qi et al.", paper: "2405.15362",
            summary:
                "As V-Half, with the shortest block there is: a microbatch goes down the ranks and back up, forwards and then backwards, without a pause, so that ranks hold it for a third as long as under 1F1B. Nothing is left between its actions to make up for F, I and W that differ: ranks then wait in each round.",
            idle:
                "0 for P = 1, (4P-5)F, or (4P-7)F where 3 divides P, at F = I = W and M >= 2P, in the times of a chunk",
            peak: "at most 2M chunks, and twice (P+2)/3, rounded up",
            constraints: "none"),
        stagesOfRank: .exactly(2), actionsOfMicrobatch: 3
    ) { sizes in
        let ranks = sizes.ranks
        let apart = ranks % 3 == 0 ? 2 : 0
        let block = BuildingBlock(sizes) { rank in
            [rank, 2 * ranks - 1 - rank, 2 * ranks + apart + rank, 4 * ranks + apart - 1 - rank]
        }
        return (Schedule.vPlacement(ranks: ranks), block.actions())
    }
}
