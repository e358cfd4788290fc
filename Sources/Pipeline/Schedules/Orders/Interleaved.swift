// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// Interleaved-1F1B (Narayanan et al., 2104.04473): each rank runs v chunks, stages r, r + P, r + 2P, ...
    ///
    ///     2 ranks, v = 2, 4 microbatches (stage.microbatch)
    ///     rank 0:  F0.0 F0.1 F2.0 F2.1 F0.2 B2.0 F0.3 B2.1 F2.2 B0.0 F2.3 B0.1 ...
    ///     rank 1:  .... F1.0 F1.1 F3.0 B3.0 F3.1 B3.1 F1.2 B1.0 ...
    ///
    /// Microbatches go through in groups of N: a group's microbatches pass chunk 0, then chunk 1, and so on; backwards take
    /// the same path with the chunks in reverse. A rank alternates after w = min(vM, 2(P - 1 - r) + (v - 1)N) forwards.
    /// Unless N is given, it is P (PyTorch's: M / max(1, M div P), as even as M allows).
    ///
    /// - Bubble: (P - 1)(F + B) in the times of a chunk, so 1/v of 1F1B's: the fraction (P - 1)/(vM + P - 1). With M < P
    ///   also (v - 1)(P - M)(F + B), since a chunk's microbatches do not fill the way round the ranks.
    /// - Memory: (v - 1)N + 2(P - 1 - r) + 1 chunks in flight on rank r, when there are that many.
    /// - Constraints: a given N is Megatron's, P <= N <= M with a last group of none or at least P. PyTorch wants its own N to
    ///   divide M; here groups may differ by one, and the validator's exhaustive tests are what shows that it works. With
    ///   v = 1 this is plain 1F1B, and is made so.
    public static let interleaved = ScheduleKind(
        "interleaved", title: "Interleaved-1F1B",
        about: About(
            authors: "Narayanan et al.", paper: "2104.04473",
            summary:
                "Rank r runs stages r, r+P, r+2P, ... Microbatches go through in groups: a group passes the first chunk, then the second, and so on; backwards take the chunks in reverse. A rank alternates after min(vM, 2(P-1-r) + (v-1)N) forwards.",
            idle: "(P-1)(F+B), and with M < P (v-1)(P-M)(F+B) more, in the times of a chunk",
            peak: "min(vM, (v-1)N + 2(P-1-r) + 1) chunks, N the group's size",
            constraints:
                "none: groups of P microbatches, as even as M allows; a given N is from P to M, with a last group of none or at least P"
        ),
        stagesOfRank: .any, takesGroupSize: true, sameWithOneStage: "1F1B", idealShare: shareWithWholeBackwards,
        obstacle: groupObstacle
    ) { sizes in
        if sizes.virtualStages == 1 { return oneFOneBOrder(sizes.ranks, sizes.microbatches) }
        let groups = groupSizes(sizes)
        let actions = (0..<sizes.ranks).map { rank in
            let forwards = chunkPath(groups, sizes, .forward, rank: rank)
            let warmUp = 2 * (sizes.ranks - 1 - rank) + (sizes.virtualStages - 1) * groups[0]
            return alternate(
                forwards: forwards, backwards: chunkPath(groups, sizes, .backward, rank: rank),
                warmUp: min(forwards.count, warmUp))
        }
        return (Schedule.loopPlacement(ranks: sizes.ranks, stages: sizes.stages), actions)
    }

    /// Groups of N, the last of what is left; or M div P of them (at least one) that differ by one at most, the larger first.
    static func groupSizes(_ sizes: ScheduleSizes) -> [Int] {
        let microbatches = sizes.microbatches
        if let size = sizes.groupSize {
            let rest = microbatches % size
            return Array(repeating: size, count: microbatches / size) + (rest > 0 ? [rest] : [])
        }
        let groups = max(1, microbatches / sizes.ranks)
        return (0..<groups).map { microbatches / groups + ($0 < microbatches % groups ? 1 : 0) }
    }

    /// Megatron's rule for groups of a given size: none may be smaller than P, or its microbatches would not be back at a
    /// rank in time for the next chunk.
    @Sendable
    static func groupObstacle(_ sizes: ScheduleSizes) -> String? {
        guard let size = sizes.groupSize else { return nil }
        let (ranks, microbatches) = (sizes.ranks, sizes.microbatches)
        if size < ranks { return "needs groups of at least \(ranks) microbatches on \(ranks) ranks, not of \(size)" }
        if size > microbatches { return "has \(microbatches) microbatches, which make no group of \(size)" }
        let rest = microbatches % size
        if rest == 0 || rest >= ranks { return nil }
        return "needs at least \(ranks) microbatches in the last group on \(ranks) ranks, and "
            + "\(microbatches) in groups of \(size) leave \(rest)"
    }

    /// Group by group, chunk by chunk inside a group (backwards from the last one), microbatches ascending inside a chunk.
    static func chunkPath(
        _ groups: [Int], _ sizes: ScheduleSizes, _ kind: Action.Kind, rank: Int
    ) -> [Action] {
        let chunks = Array(0..<sizes.virtualStages)
        var path: [Action] = []
        var first = 0
        for size in groups {
            for chunk in kind == .forward ? chunks : chunks.reversed() {
                let stage = chunk * sizes.ranks + rank
                path += (first..<first + size).map { Action(kind, stage: stage, microbatch: $0) }
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
