// SPDX-License-Identifier: Apache-2.0

/// What a person would say of a run's figures who had watched the machine: `MachineRemarks`.
struct RunRemarks {
    private let figures: RunFigures

    init(_ figures: RunFigures) { self.figures = figures }

    var sentences: [String] {
        [
            lost, throttled, figures.stolenShare.flatMap(MachineRemarks.stolen), MachineRemarks.kinds(figures.steps),
            MachineRemarks.delivered(figures.deliveredTokensPerSecond, median: figures.tokensPerSecond),
        ].compactMap(\.self)
    }

    /// Where each rank has its CPU, or would have.
    private var lost: String? {
        guard let disturbance = figures.disturbance, disturbance.isTooMuch else { return nil }
        let tries = figures.tries > 1 ? " in the quietest of \(figures.tries) tries" : ""
        return
            "ranks lost their CPUs to others or were stopped: that took \(disturbance.share.percent) of the step\(tries) and is "
            + "under oversubscription"
    }

    private var throttled: String? {
        guard let quota = figures.result.plan.placement.quota, let share = figures.throttledShare else { return nil }
        let lost = figures.timed.map {
            "; \($0.breakdown.share(.oversubscription).percent) of the step is oversubscription"
        }
        return MachineRemarks.throttled(quota, share) + (lost ?? "")
    }
}
