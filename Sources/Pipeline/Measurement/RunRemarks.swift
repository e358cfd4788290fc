/// What a person would say of a run's figures who had watched the machine: a sentence each, without its end, and without commas,
/// so that a column of a CSV that holds them can be split anywhere.
struct RunRemarks {
    private let figures: RunFigures

    init(_ figures: RunFigures) { self.figures = figures }

    var sentences: [String] { [lost, quota, stolen, kinds, delivered].compactMap(\.self) }

    private func percent(_ share: Double) -> String { "\((share * 100).fixed(1)) %" }

    /// Where each rank has its CPU, or would have.
    private var lost: String? {
        guard let disturbance = figures.disturbance, disturbance.isTooMuch else { return nil }
        let tries = figures.tries > 1 ? " in the quietest of \(figures.tries) tries" : ""
        return "others had the ranks' CPUs: that took \(percent(disturbance.share)) of the step\(tries) and is under "
            + "oversubscription"
    }

    private var quota: String? {
        guard let quota = figures.result.plan.placement.quota, let share = figures.throttledShare else { return nil }
        let lost = figures.timed.map {
            "; \(percent($0.breakdown.oversubscription / $0.breakdown.step)) of the step is oversubscription"
        }
        return
            "the quota of \(quota) stopped the ranks for \(percent(share)) of the measured time of their CPUs\(lost ?? "")"
    }

    private var stolen: String? {
        guard let share = figures.stolenShare, share > RunFigures.stolenLimit else { return nil }
        return "the hypervisor took \(percent(share)) of the ranks' CPUs away (steal)"
    }

    private var kinds: String? { StepKinds(figures.steps)?.sentence }

    private var delivered: String? {
        DeliveredRate(figures.deliveredTokensPerSecond, median: figures.tokensPerSecond).sentence
    }
}
