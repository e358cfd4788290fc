// SPDX-License-Identifier: Apache-2.0

extension ScheduleKind {
    /// ZB-H2 (Qi et al., 2401.10241): ZB-H1 with twice the warm-up, which leaves no rank idle between its first action and
    /// its last.
    ///
    ///     3 ranks, 5 microbatches
    ///     rank 0:  F0 F1 F2 F3 F4 I0 W0 I1 W1 I2 W2 I3 W3 I4 W4
    ///     rank 1:  .. F0 F1 F2 I0 F3 I1 F4 I2 W0 I3 W1 I4 W2 W3 W4
    ///     rank 2:  .. .. F0 I0 F1 I1 F2 I2 F3 I3 F4 I4 W0 W1 W2 W3 W4
    ///
    /// Rank r does W of microbatch k - 2r after I of k.
    ///
    /// - Bubble: (P - 1) max(F, F + I - 2W), which steps that are held together cannot avoid at F = I = W; between a rank's
    ///   first action and its last, (P - 1)(F + I - 2W) or nothing, where I is not much longer than F.
    /// - Memory: 2P - 1 microbatches in flight on rank 0, and gradients for W beside those of late ranks.
    /// - Constraints: M >= 2P - 1, as many as the first rank's warm-up takes.
    public static let zeroBubbleH2 = ScheduleKind(
        "zb-h2", title: "ZB-H2",
        about: About(
            authors: "Qi et al.", paper: "2401.10241",
            summary:
                "ZB-H1 with twice the warm-up, 2(P-1-r) forwards, and twice the delay: rank r does W of microbatch k-2r after I of k. No rank is idle between its first action and its last where I <= W and F <= W.",
            idle: "(P-1) max(F, F+I-2W) where I <= 2F", peak: "at most 2P-1",
            constraints: "M >= 2P-1"),
        actionsOfMicrobatch: 3, obstacle: { $0.shortage(least: 2 * $0.ranks - 1) },
        order: { sizes in
            let (ranks, microbatches) = (sizes.ranks, Array(0..<sizes.microbatches))
            let actions = (0..<ranks).map { rank in
                alternate(
                    forwards: microbatches.map { Action(.forward, stage: rank, microbatch: $0) },
                    inputs: microbatches.map { Action(.backwardInput, stage: rank, microbatch: $0) },
                    warmUp: 2 * (ranks - 1 - rank), weightsLate: 2 * rank)
            }
            return (Array(0..<ranks), actions)
        })
}
