// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// GPipe (Huang et al., 1811.06965): every forward, then every backward.
    ///
    ///     3 ranks, 4 microbatches
    ///     rank 0:  F0 F1 F2 F3 .. .. .. .. B0 B1 B2 B3
    ///     rank 1:  .. F0 F1 F2 F3 .. .. B0 B1 B2 B3
    ///     rank 2:  .. .. F0 F1 F2 F3 B0 B1 B2 B3
    ///
    /// - Bubble: (P - 1)(F + B) on each rank, the fraction (P - 1)/(M + P - 1) of a step with equal stages.
    /// - Memory: all M microbatches are in flight on every rank.
    /// - Constraints: none.
    ///
    /// Backwards run in ascending microbatch order, as every schedule's here, so that gradients add up in one order.
    public static let gpipe = ScheduleKind(
        "gpipe", title: "GPipe",
        about: About(
            authors: "Huang et al.", paper: "1811.06965", summary: "All forwards, then all backwards.",
            idle: "(P-1)(F+B)", peak: "M", constraints: "none"),
        idealShare: shareWithWholeBackwards
    ) { sizes in
        let actions = (0..<sizes.ranks).map { rank in
            (0..<sizes.microbatches).map { Action(.forward, stage: rank, microbatch: $0) }
                + (0..<sizes.microbatches).map { Action(.backward, stage: rank, microbatch: $0) }
        }
        return (Array(0..<sizes.ranks), actions)
    }
}

extension Schedule {
    /// GPipe for P ranks and M microbatches.
    public static func gpipe(ranks: Int, microbatches: Int) -> Schedule {
        ScheduleKind.gpipe.make(ranks: ranks, microbatches: microbatches)
    }
}
