// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// ZB-H1 (Qi et al., 2401.10241): 1F1B whose backwards come apart. The input's gradient (I) is handed on at once, and the
    /// weights' (W), for which nobody waits, fills what would be idle.
    ///
    ///     3 ranks, 4 microbatches
    ///     rank 0:  F0 F1 F2 .. .. I0 W0 F3 I1 W1 I2 W2 I3 W3
    ///     rank 1:  .. F0 F1 .. I0 F2 I1 W0 F3 I2 W1 I3 W2 W3
    ///     rank 2:  .. .. F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 W2 W3
    ///
    /// Rank r does W of microbatch k - r after I of k, so that late ranks, which others wait for, put it off the most.
    ///
    /// - Bubble: (P - 1)(F + I - W) where W <= min(F, I), against 1F1B's (P - 1)(F + I + W); (P - M)W more
    ///   with M < P.
    /// - Memory: min(M, P) microbatches in flight on rank r at most, and the gradients that W needs beside them.
    /// - Constraints: none.
    public static let zeroBubble = ScheduleKind(
        "zb-h1", title: "ZB-H1",
        about: About(
            authors: "Qi et al.", paper: "2401.10241",
            summary:
                "1F1B whose backwards come apart: I, the input's gradient, is handed on at once; W, the weights', for which nobody waits, fills what would be idle. Rank r does W of microbatch k-r after I of k.",
            idle: "(P-1)(F+I-W) where W <= min(F, I), and with M < P (P-M)W more", peak: "at most min(M, P)",
            constraints: "none"),
        actionsOfMicrobatch: 3
    ) { sizes in
        let (ranks, microbatches) = (sizes.ranks, Array(0..<sizes.microbatches))
        let actions = (0..<ranks).map { rank in
            alternate(
                forwards: microbatches.map { Action(.forward, stage: rank, microbatch: $0) },
                inputs: microbatches.map { Action(.backwardInput, stage: rank, microbatch: $0) },
                warmUp: ranks - 1 - rank, weightsLate: rank)
        }
        return (Array(0..<ranks), actions)
    }

    /// `warmUp` forwards (or all), then a forward, while there are any, and an I in turn. After each I the W of the one that
    /// many before it; the Ws that are left at the end.
    static func alternate(forwards: [Action], inputs: [Action], warmUp: Int, weightsLate late: Int) -> [Action] {
        let weights = inputs.map { Action(.backwardWeights, stage: $0.stage, microbatch: $0.microbatch) }
        var list = Array(forwards.prefix(warmUp))
        for (index, input) in inputs.enumerated() {
            if warmUp + index < forwards.count { list.append(forwards[warmUp + index]) }
            list.append(input)
            if index >= late { list.append(weights[index - late]) }
        }
        return list + weights.suffix(late)
    }
}

extension Schedule {
    /// ZB-H1 for P ranks and M microbatches.
    public static func zeroBubble(ranks: Int, microbatches: Int) -> Schedule {
        ScheduleKind.zeroBubble.make(ranks: ranks, microbatches: microbatches)
    }
}
