// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// DualPipe (DeepSeek-AI, 2412.19437): two copies of the stages, one down the ranks and one up; a microbatch's forward of one
    /// beside another's backward of the other.
    ///
    ///     2 ranks, 4 microbatches; on rank 0, a is stage 0 of the copy down and b stage 1 of that up; on rank 1, a is stage 0 of the
    ///     copy up and b stage 1 of that down
    ///     both:  Fa0 Fb0 Fa1+Bb0 Fb1+Ba0 Bb1 Ia1 Wa1
    ///
    /// It is DualPipeV's order, in which each half of the ranks enters microbatches of its own: h = min(r, P - 1 - r) ranks lie
    /// between rank r and the nearer end, a is its stage of the copy that begins at that end, and b that of the other copy.
    /// What the + joins runs at once where communication hides behind it; here a rank does one after the other, F first.
    ///
    /// - Bubble: (P/2 - 1)(F + I - W), one after the other, where W <= I <= F <= I + W; where both run at once,
    ///   (P/2 - 1)(F&B + B - 3W) is claimed.
    /// - Memory: P + 1 stages in flight on every rank.
    /// - Constraints: P even, M even, M >= 2P.
    public static let dualPipe = ScheduleKind(
        "dualpipe", title: "DualPipe",
        about: About(
            authors: "DeepSeek-AI", paper: "2412.19437",
            summary:
                "Two copies of the stages, and so of the weights, as Chimera has them: the first half of the microbatches goes down the ranks, the other half up. In the steady state the forward of one copy's stage stands beside the backward of the other's, which hides communication where both run at once; here a rank does one after the other. At both ends backwards come apart into I and W.",
            idle: "(P/2-1)(F+I-W) where W <= I <= F <= I+W, without the overlap",
            peak: "P+1",
            constraints: "P even, M even, M >= 2P; two copies of the weights"),
        stagesOfRank: .exactly(2), copies: 2, actionsOfMicrobatch: 3,
        obstacle: { $0.obstacleToHalves(least: 2 * $0.ranks) },
        order: { sizes in
            let actions = (0..<sizes.ranks).map { dualPipe(rank: $0, of: sizes.ranks, sizes.microbatches) }
            return (Schedule.vPlacement(ranks: sizes.ranks), actions)
        })

    private static func dualPipe(rank: Int, of ranks: Int, _ microbatches: Int) -> [Action] {
        let (down, up) = (rank, 2 * ranks - 1 - rank)
        let depth = min(rank, ranks - 1 - rank)
        let stages = depth == rank ? (down, up) : (up, down)
        let half = DualPipeOrder(depth: depth, of: ranks / 2, microbatches: microbatches / 2)
        // Each copy counts its microbatches from 0; those that go up come after all that go down.
        return half.order(stages.0, stages.1).map { action in
            Action(
                action.kind, stage: action.stage,
                microbatch: action.stage >= ranks ? action.microbatch + microbatches / 2 : action.microbatch)
        }
    }
}
