// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// DualPipeV (DeepSeek-AI, 2412.19437, cut in half by Sea AI Lab): one microbatch's forward beside another's backward, on
    /// stages down the ranks and back up.
    ///
    ///     2 ranks, 4 microbatches; rank r runs stages a = r and b = 2P - 1 - r
    ///     rank 0:  Fa0 Fa1 Fa2 Fb0 Ib0 Wb0 Fb1 Fa3+Bb1 Fb2+Ba0 Bb2 Fb3+Ba1 Bb3 Ia2 Wa2 Ia3 Wa3
    ///     rank 1:  ... Fa0 Fb0 Fa1 Fb1 Fa2 Bb0 Fb2+Ba0 Fa3+Bb1 Fb3+Ba1 Bb2 Ba2 Ib3 Ia3 Wb3 Wa3
    ///
    /// What the + joins runs at once where communication hides behind it; here a rank does one after the other, F first.
    ///
    /// - Bubble: (P - 1)(F + I - W) in the times of a chunk, one after the other, where W <= I <= F <= I + W; where both run at once,
    ///   (P - 1)(F&B + B - 3W) is claimed.
    /// - Memory: 2P + 1 chunks in flight on every rank.
    /// - Constraints: two stages a rank, M >= 2P.
    public static let dualPipeV = ScheduleKind(
        "dualpipe-v", title: "DualPipeV",
        about: About(
            authors: "DeepSeek-AI (cut in half by Sea AI Lab)", paper: "2412.19437",
            summary:
                "Rank r runs stages r and 2P-1-r. In the steady state the forward of one stage stands beside the other's backward, which hides communication where both run at once; here a rank does one after the other. At both ends backwards come apart into I and W.",
            idle: "(P-1)(F+I-W) where W <= I <= F <= I+W, in the times of a chunk, without the overlap",
            peak: "2P+1 chunks",
            constraints: "M >= 2P"),
        stagesOfRank: .exactly(2), actionsOfMicrobatch: 3,
        obstacle: { $0.shortage(least: 2 * $0.ranks) },
        order: { sizes in
            let actions = (0..<sizes.ranks).map { rank in
                DualPipeOrder(depth: rank, of: sizes.ranks, microbatches: sizes.microbatches)
                    .order(rank, 2 * sizes.ranks - 1 - rank)
            }
            return (Schedule.vPlacement(ranks: sizes.ranks), actions)
        })
}
