// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// Hanayo (Liu et al., 2308.15762): w waves down the ranks and back up, so v = 2w stages a rank; what has the way back
    /// before it goes first.
    ///
    ///     2 ranks, one wave, 2 microbatches (stage.microbatch); rank 0 runs stages 0 and 3
    ///     rank 0:  F0.0 F0.1 .... F3.0 B3.0 F3.1 B3.1 B0.0 .... B0.1
    ///     rank 1:  .... F1.0 F2.0 F1.1 F2.1 B2.0 B1.0 B2.1 B1.1
    ///
    /// The authors' generator is not public: this is list scheduling in steps of F = B. A rank does the backward that is ready,
    /// or else the forward of the latest stage that is.
    ///
    /// - Bubble: (P - 1)(F + B) at F = B where P divides M, in the times of a chunk; for each microbatch that the last P lack,
    ///   (v - 1)(F + B) more. It is more with longer backwards, too.
    /// - Memory: v min(M, P) chunks in flight on the rank that has most.
    /// - Constraints: an even number of stages a rank.
    public static let hanayo = ScheduleKind(
        "hanayo", title: "Hanayo",
        about: About(
            authors: "Liu et al.", paper: "2308.15762",
            summary:
                "Stages go down the ranks and back up, v/2 times. A rank does the backward that is ready, or else the forward of the latest stage that is, in steps of F = B: a rule of this project's, since the authors' generator is not public.",
            idle: "(P-1)(F+B) at F = B where P divides M, in the times of a chunk",
            peak: "at most v min(M, P) chunks", constraints: "v even"),
        stagesOfRank: .even
    ) { sizes in
        let placement = Schedule.wavePlacement(ranks: sizes.ranks, stages: sizes.stages)
        var waves = WaveScheduler(placement, sizes)
        while waves.step() {}
        return (placement, waves.actions)
    }
}

/// Steps of one action on each rank: which are ready follows from how many microbatches each stage has done, since they pass
/// it in ascending order.
private struct WaveScheduler {
    private let stagesOfRanks: [[Int]]
    private let microbatches: Int
    private var forwards, backwards: [Int]
    private(set) var actions: [[Action]]

    init(_ rankOfStage: [Int], _ sizes: ScheduleSizes) {
        stagesOfRanks = Schedule.stagesOfRanks(rankOfStage, ranks: sizes.ranks)
        microbatches = sizes.microbatches
        forwards = rankOfStage.map { _ in 0 }
        backwards = forwards
        actions = stagesOfRanks.map { _ in [] }
    }

    /// Whether there was anything left to do.
    mutating func step() -> Bool {
        let chosen = stagesOfRanks.map { stages in
            stages.last(where: hasBackward).map { Action(.backward, stage: $0, microbatch: backwards[$0]) }
                ?? stages.last(where: hasForward).map { Action(.forward, stage: $0, microbatch: forwards[$0]) }
        }
        for (rank, action) in chosen.enumerated() {
            guard let action else { continue }
            actions[rank].append(action)
            if action.kind == .forward { forwards[action.stage] += 1 } else { backwards[action.stage] += 1 }
        }
        return chosen.contains { $0 != nil }
    }

    private func hasForward(_ stage: Int) -> Bool {
        forwards[stage] < (stage == 0 ? microbatches : forwards[stage - 1])
    }

    private func hasBackward(_ stage: Int) -> Bool {
        backwards[stage] < (stage == backwards.count - 1 ? forwards[stage] : backwards[stage + 1])
    }
}
