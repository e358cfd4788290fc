import Threads

/// What a person would say of a candidate's trials who had watched the machine: a sentence each, without its end, and without
/// commas, as `RunRemarks`.
struct CandidateRemarks {
    private let trials: [Comparison.Trial]
    private let quota: CPUQuota?
    private let tokensPerSecond, delivered: Double

    /// - Parameters:
    ///   - tokensPerSecond: of the median step.
    ///   - delivered: over the whole measured time.
    init(_ trials: [Comparison.Trial], quota: CPUQuota?, tokensPerSecond: Double, delivered: Double) {
        (self.trials, self.quota) = (trials, quota)
        (self.tokensPerSecond, self.delivered) = (tokensPerSecond, delivered)
    }

    var sentences: [String] { [disturbed, throttled, stolen, kinds, rates].compactMap(\.self) }

    private var whole: [Comparison.Trial.WholeRun] { trials.compactMap(\.whole) }
    private func percent(_ share: Double) -> String { "\((share * 100).fixed(1)) %" }
    private func mean(_ share: (Comparison.Trial.WholeRun) -> Double?) -> Double? {
        let shares = whole.compactMap(share)
        return shares.isEmpty ? nil : shares.mean(\.self)
    }

    private var disturbed: String? {
        let count = trials.count { $0.disturbance?.isTooMuch == true }
        return count == 0
            ? nil
            : "others had the ranks' CPUs in \(count) of \(counted(trials.count, "trial")) each time it was measured"
    }

    private var throttled: String? {
        guard let quota, let share = mean(\.throttledShare) else { return nil }
        return "the quota of \(quota) stopped the ranks for \(percent(share)) of the measured time of their CPUs"
    }

    private var stolen: String? {
        guard let share = mean(\.stolenShare), share > RunFigures.stolenLimit else { return nil }
        return "the hypervisor took \(percent(share)) of the ranks' CPUs away (steal)"
    }

    private var kinds: String? {
        let steps = whole.flatMap(\.stepSeconds)
        return steps.isEmpty ? nil : StepKinds(Statistics(steps))?.sentence
    }

    private var rates: String? { DeliveredRate(delivered, median: tokensPerSecond).sentence }
}

/// A rate over the whole measured time beside that of the median step.
struct DeliveredRate {
    private let delivered, median: Double

    init(_ delivered: Double, median: Double) { (self.delivered, self.median) = (delivered, median) }

    /// Nil where they hardly differ.
    var sentence: String? {
        let below = 1 - delivered / median
        guard below.magnitude > RunFigures.deliveredLimit else { return nil }
        let (side, length) = below > 0 ? ("below", "longer") : ("above", "shorter")
        return "delivered were \(delivered.fixed(0)) tokens/s over the whole measured time: "
            + "\((below.magnitude * 100).fixed(1)) % \(side) the median step's because the mean step is \(length)"
    }
}
