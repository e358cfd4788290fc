// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// Eager-1F1B (Zhuang et al., "On Optimizing the Communication of Model Parallelism", 2211.05322): 1F1B with forwards
    /// ahead, so that what is handed on has the time of an action to arrive.
    ///
    ///     3 ranks, 5 microbatches
    ///     rank 0:  F0 F1 F2 F3 F4 B0 .. B1 .. B2 .. B3 .. B4
    ///     rank 1:  .. F0 F1 F2 B0 F3 B1 F4 B2 .. B3 .. B4
    ///     rank 2:  .. .. F0 B0 F1 B1 F2 B2 F3 B3 F4 B4
    ///
    /// - Bubble: as 1F1B's where hand-offs cost nothing; where they do, less of them is waited for.
    /// - Memory: min(M, 2(P - r) - 1) microbatches in flight on rank r, against 1F1B's min(M, P - r).
    /// - Constraints: none; with few microbatches the warm-up is cut to what there is.
    public static let eagerOneFOneB = ScheduleKind(
        "eager-1f1b", title: "Eager-1F1B",
        about: About(
            authors: "Zhuang et al.", paper: "2211.05322",
            summary:
                "1F1B with a warm-up of min(M, 2(P-1-r)) forwards, twice as many: what is handed on has the time of an action to arrive before it is needed.",
            idle: "(P-1)(F+B)", peak: "min(M, 2(P-r)-1)",
            constraints: "none: with few microbatches the warm-up is cut to what there is"),
        idealShare: shareWithWholeBackwards
    ) { sizes in
        let (ranks, microbatches) = (sizes.ranks, Array(0..<sizes.microbatches))
        let actions = (0..<ranks).map { rank in
            alternate(
                forwards: microbatches.map { Action(.forward, stage: rank, microbatch: $0) },
                backwards: microbatches.map { Action(.backward, stage: rank, microbatch: $0) },
                warmUp: min(sizes.microbatches, 2 * (ranks - 1 - rank)))
        }
        return (Array(0..<ranks), actions)
    }
}
