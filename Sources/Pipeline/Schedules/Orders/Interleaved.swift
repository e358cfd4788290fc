extension ScheduleKind {
    /// Interleaved-1F1B (Narayanan et al., 2104.04473): each rank runs v chunks, stages r, r + P, r + 2P, ...
    ///
    ///     2 ranks, v = 2, 4 microbatches (stage.microbatch)
    ///     rank 0:  F0.0 F0.1 F2.0 F2.1 .... F0.2 B2.0 F0.3 B2.1 F2.2 B0.0 F2.3 B0.1 ...
    ///     rank 1:  .... F1.0 F1.1 F3.0 B3.0 F3.1 B3.1 F1.2 B1.0 ...
    ///
    /// Microbatches go through in groups of N = P (as even as M allows): a group's microbatches pass chunk 0, then
    /// chunk 1, and so on; backwards take the same path with the chunks in reverse. A rank alternates after
    /// w = min(vM, 2(P - 1 - r) + (v - 1)N) forwards.
    ///
    /// - Bubble: (P - 1)(F + B) in the times of a chunk, so 1/v of 1F1B's: the fraction (P - 1)/(vM + P - 1).
    /// - Memory: (v - 1)N + 2(P - 1 - r) + 1 chunks in flight on rank r, when there are that many.
    /// - Constraints: Megatron wants P to divide M; PyTorch wants N to divide it. Here a last, smaller group is allowed
    ///   and the validator's exhaustive tests are what shows that it works. With v = 1 this is plain 1F1B, and is made so.
    public static let interleaved = ScheduleKind(
        "interleaved", title: "Interleaved-1F1B",
        about: About(
            authors: "Narayanan et al.", paper: "2104.04473",
            summary:
                "Rank r runs stages r, r+P, r+2P, ... Microbatches go through in groups: a group passes the first chunk, then the second, and so on; backwards take the chunks in reverse. A rank alternates after min(vM, 2(P-1-r) + (v-1)N) forwards.",
            idle: "(P-1)(F+B), in the times of a chunk", peak: "(v-1)N + 2(P-1-r) + 1 chunks, N the group's size",
            constraints: "none: groups of P microbatches, as even as M allows"),
        stagesOfRank: .any, sameWithOneStage: "1F1B", idealShare: shareWithWholeBackwards
    ) { sizes in
        let (ranks, virtualStages, microbatches) = (sizes.ranks, sizes.virtualStages, sizes.microbatches)
        if virtualStages == 1 { return oneFOneBOrder(ranks, microbatches) }
        let actions = (0..<ranks).map { interleaved(rank: $0, of: ranks, virtualStages, microbatches) }
        return (Schedule.loopPlacement(ranks: ranks, stages: sizes.stages), actions)
    }

    private static func interleaved(
        rank: Int, of ranks: Int, _ virtualStages: Int, _ microbatches: Int
    ) -> [Action] {
        let groups = groupSizes(microbatches, near: ranks)
        let path = chunkPath(groups, virtualStages)
        let warmUp = min(path.count, 2 * (ranks - 1 - rank) + (virtualStages - 1) * groups[0])
        return alternate(
            forwards: path.map {
                Action(.forward, stage: $0.chunk * ranks + rank, microbatch: $0.microbatch)
            },
            backwards: path.map {
                Action(.backward, stage: (virtualStages - 1 - $0.chunk) * ranks + rank, microbatch: $0.microbatch)
            }, warmUp: warmUp)
    }

    /// M in max(1, M div P) groups that differ by one at most, the larger ones first.
    private static func groupSizes(_ microbatches: Int, near ranks: Int) -> [Int] {
        let groups = max(1, microbatches / ranks)
        return (0..<groups).map { microbatches / groups + ($0 < microbatches % groups ? 1 : 0) }
    }

    /// Group by group, chunk by chunk inside a group, microbatches ascending inside a chunk.
    private static func chunkPath(_ groups: [Int], _ chunks: Int) -> [(chunk: Int, microbatch: Int)] {
        var path: [(chunk: Int, microbatch: Int)] = []
        var first = 0
        for size in groups {
            for chunk in 0..<chunks {
                path += (first..<first + size).map { (chunk, $0) }
            }
            first += size
        }
        return path
    }
}

extension Schedule {
    /// Interleaved-1F1B for P ranks with v stages each and M microbatches.
    public static func interleaved(ranks: Int, virtualStages: Int, microbatches: Int) -> Schedule {
        ScheduleKind.interleaved.make(ranks: ranks, virtualStages: virtualStages, microbatches: microbatches)
    }
}
