extension ScheduleKind {
    /// ZB-H1 (Qi et al., 2401.10241): 1F1B whose backwards come apart. The input's gradient (I) is handed on at once, and the
    /// weights' (W), for which nobody waits, fills what would be idle.
    ///
    ///     3 ranks, 4 microbatches
    ///     rank 0:  F0 F1 F2 .. I0 W0 F3 I1 W1 I2 W2 I3 W3
    ///     rank 1:  .. F0 F1 I0 F2 I1 W0 F3 I2 W1 I3 W2 W3
    ///     rank 2:  .. .. F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 W2 W3
    ///
    /// Rank r does W of microbatch k - r after I of k, so that late ranks, which others wait for, put it off the most.
    ///
    /// - Bubble: (P - 1)(F + I - W) where W <= min(F, I), against 1F1B's (P - 1)(F + I + W).
    /// - Memory: min(M, P) microbatches in flight on rank r at most, and the gradients that W needs beside them.
    /// - Constraints: none.
    public static let zeroBubble = ScheduleKind(
        "zb-h1", title: "ZB-H1",
        about: About(
            authors: "Qi et al.", paper: "2401.10241",
            summary:
                "1F1B whose backwards come apart: I, the input's gradient, is handed on at once; W, the weights', for which nobody waits, fills what would be idle. Rank r does W of microbatch k-r after I of k.",
            idle: "(P-1)(F+I-W) where W <= min(F, I)", peak: "at most min(M, P), and the gradients that W needs",
            constraints: "none"),
        actionsOfMicrobatch: 3
    ) { sizes in
        (
            Array(0..<sizes.ranks),
            (0..<sizes.ranks).map { zeroBubble(rank: $0, of: sizes.ranks, sizes.microbatches) }
        )
    }

    private static func zeroBubble(rank: Int, of ranks: Int, _ microbatches: Int) -> [Action] {
        let warmUp = min(microbatches, ranks - 1 - rank)
        func action(_ kind: Action.Kind, _ microbatch: Int) -> Action {
            Action(kind, stage: rank, microbatch: microbatch)
        }
        var list = (0..<warmUp).map { action(.forward, $0) }
        for microbatch in 0..<microbatches {
            if warmUp + microbatch < microbatches { list.append(action(.forward, warmUp + microbatch)) }
            list.append(action(.backwardInput, microbatch))
            if microbatch >= rank { list.append(action(.backwardWeights, microbatch - rank)) }
        }
        let left = max(0, microbatches - rank)..<microbatches
        return list + left.map { action(.backwardWeights, $0) }
    }
}

extension Schedule {
    /// ZB-H1 for P ranks and M microbatches.
    public static func zeroBubble(ranks: Int, microbatches: Int) -> Schedule {
        ScheduleKind.zeroBubble.make(ranks: ranks, microbatches: microbatches)
    }
}
