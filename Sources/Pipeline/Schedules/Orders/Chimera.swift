// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// Chimera (Li and Hoefler, 2107.06925): two copies of the stages, one down the ranks and one up, each with half of the
    /// microbatches; what one direction leaves idle the other fills.
    ///
    ///     4 ranks, 4 microbatches; rank r runs stage r of the copy that goes down (0 and 1) and P - 1 - r of that up (2 and 3)
    ///     rank 0:  F0 .. F1 F2 B2 F3 B3 B0 .. B1
    ///     rank 1:  .. F0 F2 F1 F3 B2 B0 B3 B1 ..
    ///     rank 2:  .. F2 F0 F3 F1 B0 B2 B1 B3 ..
    ///     rank 3:  F2 .. F3 F0 B0 F1 B1 B2 .. B3
    ///
    /// P microbatches make a unit, the first half of which goes down, and units follow each other as they are; the last one may be
    /// smaller. In slots of F = B, microbatch i of a direction's half does F at r + 2i and B at 2P - 1 - r + 2i on the rank that has
    /// the copy's stage r. No two meet on a rank since P is even.
    ///
    /// - Bubble: (P - 2)F at F = B where P divides M, and F more for each microbatch that the last unit lacks.
    /// - Memory: with m = min(M, P), min(m, m/2 + 1 + min(r, P - 1 - r)) stages in flight on rank r.
    /// - Constraints: P even, M even.
    public static let chimera = ScheduleKind(
        "chimera", title: "Chimera",
        about: About(
            authors: "Li and Hoefler", paper: "2107.06925",
            summary:
                "Two copies of the stages, and so of the weights: one goes down the ranks and one up, so that rank r runs stage r of the first and P-1-r of the second. Of every P microbatches, which make a unit, the first half goes down and the other half up; one direction fills what the other leaves idle. Units follow each other as they are, which fits best where B takes as long as F. Gradients are summed over the copies, on ranks r and P-1-r.",
            idle: "(P-2)F at F = B where P divides M; F more for each microbatch that the last P lack",
            peak: "min(m, m/2 + 1 + min(r, P-1-r)), m = min(M, P)",
            constraints: "P even, M even; two copies of the weights"),
        stagesOfRank: .exactly(2), copies: 2,
        obstacle: { $0.obstacleToHalves(least: 2) },
        order: { sizes in
            let actions = (0..<sizes.ranks).map { rank in
                chimera(rank: rank, sizes).sorted { $0.slot < $1.slot }.map(\.action)
            }
            // As a V, but for the edge at its turn, which is none.
            return (Schedule.vPlacement(ranks: sizes.ranks), actions)
        })

    /// A rank's actions with their slots, which differ.
    private static func chimera(rank: Int, _ sizes: ScheduleSizes) -> [(slot: Int, action: Action)] {
        let (ranks, microbatches) = (sizes.ranks, sizes.microbatches)
        return stride(from: 0, to: microbatches, by: ranks).flatMap { first in
            let half = min(ranks, microbatches - first) / 2
            return (0..<2 * half).flatMap { index in
                let (isUp, order) = (index >= half, index % half)
                let stage = isUp ? ranks - 1 - rank : rank
                let begin = 2 * (first + order)
                let forward = Action(.forward, stage: isUp ? ranks + stage : stage, microbatch: first + index)
                let backward = Action(.backward, stage: forward.stage, microbatch: forward.microbatch)
                return [(begin + stage, forward), (begin + 2 * ranks - 1 - stage, backward)]
            }
        }
    }
}
