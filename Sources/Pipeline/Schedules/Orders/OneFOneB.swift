// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// 1F1B (PipeDream-Flush, Narayanan et al., 2006.09503): after a warm-up, one forward, one backward, in turn.
    ///
    ///     3 ranks, 4 microbatches
    ///     rank 0:  F0 F1 F2 .. .. B0 F3 B1 .. B2 .. B3
    ///     rank 1:  .. F0 F1 .. B0 F2 B1 F3 B2 .. B3
    ///     rank 2:  .. .. F0 B0 F1 B1 F2 B2 F3 B3
    ///
    /// - Bubble: as GPipe's.
    /// - Memory: min(M, P - r) microbatches in flight on rank r, whatever M is.
    /// - Constraints: none; with fewer microbatches than ranks the warm-up is cut to what there is.
    public static let oneFOneB = ScheduleKind(
        "1f1b", title: "1F1B",
        about: About(
            authors: "Narayanan et al. (PipeDream-Flush)", paper: "2006.09503",
            summary:
                "After a warm-up of min(M, P-1-r) forwards, one forward and one backward in turn; then the backwards that are left.",
            idle: "(P-1)(F+B)", peak: "min(M, P-r)",
            constraints: "none: with M < P the warm-up is cut to what there is"),
        idealShare: shareWithWholeBackwards
    ) { oneFOneBOrder($0.ranks, $0.microbatches) }

    static func oneFOneBOrder(_ ranks: Int, _ microbatches: Int) -> Order {
        let actions = (0..<ranks).map { rank in
            alternate(
                forwards: (0..<microbatches).map { Action(.forward, stage: rank, microbatch: $0) },
                backwards: (0..<microbatches).map { Action(.backward, stage: rank, microbatch: $0) },
                warmUp: min(microbatches, ranks - 1 - rank))
        }
        return (Array(0..<ranks), actions)
    }

    /// `warmUp` forwards, then a forward and a backward in turn, then the backwards that are left.
    static func alternate(forwards: [Action], backwards: [Action], warmUp: Int) -> [Action] {
        let steady = zip(forwards.dropFirst(warmUp), backwards).flatMap { [$0, $1] }
        return forwards.prefix(warmUp) + steady + backwards.dropFirst(forwards.count - warmUp)
    }
}

extension Schedule {
    /// 1F1B for P ranks and M microbatches.
    public static func oneFOneB(ranks: Int, microbatches: Int) -> Schedule {
        ScheduleKind.oneFOneB.make(ranks: ranks, microbatches: microbatches)
    }
}
