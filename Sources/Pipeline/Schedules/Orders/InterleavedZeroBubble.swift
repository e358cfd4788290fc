// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// Interleaved ZB (Qi et al., 2401.10241, as PyTorch builds it): Interleaved-1F1B whose backwards come apart, with half
    /// its warm-up.
    ///
    ///     2 ranks, v = 2, 2 microbatches (stage.microbatch)
    ///     rank 0:  F0.0 F0.1 F2.0 F2.1 .... I2.0 W2.0 I2.1 W2.1 I0.0 W0.0 I0.1 W0.1
    ///     rank 1:  .... F1.0 F1.1 F3.0 I3.0 F3.1 I3.1 W3.0 I1.0 W3.1 I1.1 W1.0 W1.1
    ///
    /// Groups of N microbatches as Interleaved-1F1B's. A rank alternates F and I after (P - 1 - r) + (v - 1)N forwards, and
    /// does the Ws in the same order, r operations late.
    ///
    /// - Bubble: (P - 1)(F + I - W) in the times of a chunk, where W <= min(F, I) and P <= M.
    /// - Memory: P + (v - 1)N chunks in flight on rank r at most, and the gradients that W needs.
    /// - Constraints: as Interleaved-1F1B's. With v = 1 this is ZB-H1.
    public static let interleavedZeroBubble = ScheduleKind(
        "interleaved-zb", title: "Interleaved ZB",
        about: About(
            authors: "Qi et al. (as PyTorch builds it)", paper: "2401.10241",
            summary:
                "Interleaved-1F1B whose backwards come apart: after a warm-up of min(vM, (P-1-r) + (v-1)N) forwards, F and I in turn, and the Ws in the same order, r operations late.",
            idle: "(P-1)(F+I-W) where W <= min(F, I) and M >= P, in the times of a chunk",
            peak: "at most min(vM, P + (v-1)N) chunks",
            constraints: "as Interleaved-1F1B's"),
        stagesOfRank: .any, takesGroupSize: true, actionsOfMicrobatch: 3, sameWithOneStage: "ZB-H1",
        obstacle: groupObstacle
    ) { sizes in
        let groups = groupSizes(sizes)
        let actions = (0..<sizes.ranks).map { rank in
            alternate(
                forwards: chunkPath(groups, sizes, .forward, rank: rank),
                inputs: chunkPath(groups, sizes, .backwardInput, rank: rank),
                warmUp: sizes.ranks - 1 - rank + (sizes.virtualStages - 1) * groups[0], weightsLate: rank)
        }
        return (Schedule.loopPlacement(ranks: sizes.ranks, stages: sizes.stages), actions)
    }
}
