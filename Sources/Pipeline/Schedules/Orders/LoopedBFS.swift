// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// Looped BFS (Lamy-Poirier, "Breadth-First Pipeline Parallelism", 2211.05953): GPipe with several stages a rank, one
    /// stage after the other.
    ///
    ///     2 ranks, v = 2, 3 microbatches (stage.microbatch)
    ///     rank 0:  F0.0 F0.1 F0.2 F2.0 F2.1 F2.2 .... .... B2.2 B2.1 B2.0 B0.2 B0.1 B0.0
    ///     rank 1:  .... F1.0 F1.1 F1.2 F3.0 F3.1 F3.2 B3.2 B3.1 B3.0 B1.2 B1.1 B1.0
    ///
    /// Backwards take the microbatches in descending order, as PyTorch's do: weight gradients add up from the last to the
    /// first, which gives other bits than one stage's.
    ///
    /// - Bubble: (P - 1)(F + B) in the times of a chunk, as Interleaved's, with M < P too.
    /// - Memory: all vM chunks are in flight on every rank.
    /// - Constraints: none.
    public static let loopedBFS = ScheduleKind(
        "looped-bfs", title: "Looped BFS",
        about: About(
            authors: "Lamy-Poirier", paper: "2211.05953",
            summary:
                "Rank r runs stages r, r+P, r+2P, ... one after the other: all forwards of a stage, then of the next; backwards the stages in reverse, and the microbatches too, as PyTorch does.",
            idle: "(P-1)(F+B), and with M < P (v-1)(P-M)(F+B) more, in the times of a chunk", peak: "vM chunks",
            constraints: "none"),
        stagesOfRank: .any, idealShare: shareWithWholeBackwards
    ) { sizes in
        let microbatches = 0..<sizes.microbatches
        let actions = (0..<sizes.ranks).map { rank in
            let stages = stride(from: rank, to: sizes.stages, by: sizes.ranks)
            return stages.flatMap { stage in
                microbatches.map { Action(.forward, stage: stage, microbatch: $0) }
            }
                + stages.reversed().flatMap { stage in
                    microbatches.reversed().map { Action(.backward, stage: stage, microbatch: $0) }
                }
        }
        return (Schedule.loopPlacement(ranks: sizes.ranks, stages: sizes.stages), actions)
    }
}
