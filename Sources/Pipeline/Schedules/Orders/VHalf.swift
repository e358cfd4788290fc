// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// V-Half (Qi et al., 2405.15362): stages down the ranks and back up, and half of 1F1B's memory.
    ///
    ///     2 ranks, 4 microbatches; rank r runs stages a = r and b = 2P - 1 - r
    ///     rank 0:  Fa0 Fa1 Fa2 Fb0 Ib0 Wb0 Fb1 ... Ia0 Ib1 Wb1 Fb2 Wa0 Fa3 Ia1 Ib2 Wb2 Fb3 Ib3 Ia2 Wb3 Ia3 Wa1 Wa2 Wa3
    ///     rank 1:  ... Fa0 Fb0 Fa1 Fb1 Ib0 Wb0 Ia0 Wa0 Fa2 Fb2 Ib1 Ia1 Wb1 Fa3 Wa1 Fb3 Ib2 Ia2 Ib3 Ia3 Wb2 Wb3 Wa2 Wa3
    ///
    /// Its building block has Fa at 2r, Fb at 3P - 2 - r, Ib at 3P + k - 1 + 2r and Ia at 6P + k - 2 - r, with k = 3 on an even
    /// number of ranks, or else 0, so that no two fall on a slot (`BuildingBlock`).
    ///
    /// - Bubble: (3P - 7)F on an even number of ranks from 4 and (3P - 4)F on an odd one from 3 (F on two), at F = I = W and
    ///   with M >= 2P, in the times of a chunk: 5F on 4 ranks and 17F on 8, against ZB-V's 3F and 7F.
    /// - Memory: P + 2 chunks in flight on an even number of ranks, P + 1 on an odd one, where 1F1B's first rank has 2P.
    /// - Constraints: two stages a rank.
    public static let vHalf = ScheduleKind(
        "v-half", title: "V-Half",
        about: About(
            authors: "Qi et al.", paper: "2405.15362",
            summary:
                "Rank r runs stages r and 2P-1-r. A building block says in which slots of equal length a microbatch's F, I and W of both stages are done; every microbatch repeats it six slots, its own work, after the one before. How long a rank holds a microbatch, and so how many, follows from the block alone: here about as long on every rank, half as long as under 1F1B on its first. Then each action moves to its rank's earliest free slot behind what it waits for, unless more would be in flight.",
            idle:
                "(P-1)F for P < 3, (3P-7)F for even P, (3P-4)F for odd P, at F = I = W and M >= 2P, in the times of a chunk",
            peak: "at most min(2M, P+2) chunks for even P, min(2M, P+1) for odd",
            constraints: "none"),
        stagesOfRank: .exactly(2), actionsOfMicrobatch: 3
    ) { sizes in
        let ranks = sizes.ranks
        let apart = ranks % 2 == 0 ? 3 : 0
        let block = BuildingBlock(sizes) { rank in
            [2 * rank, 3 * ranks - 2 - rank, 3 * ranks + apart - 1 + 2 * rank, 6 * ranks + apart - 2 - rank]
        }
        return (Schedule.vPlacement(ranks: ranks), block.actions())
    }
}
