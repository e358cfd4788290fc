// SPDX-License-Identifier: Apache-2.0

import Threads

/// What a person would say of a candidate's trials who had watched the machine: `MachineRemarks`.
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

    var sentences: [String] {
        let steps = whole.flatMap(\.stepSeconds)
        return [
            disturbed, throttled, mean(\.stolenShare).flatMap(MachineRemarks.stolen),
            steps.isEmpty ? nil : MachineRemarks.kinds(Statistics(steps)),
            MachineRemarks.delivered(delivered, median: tokensPerSecond),
        ].compactMap(\.self)
    }

    private var whole: [Comparison.Trial.WholeRun] { trials.compactMap(\.whole) }
    private func mean(_ share: (Comparison.Trial.WholeRun) -> Double?) -> Double? {
        let shares = whole.compactMap(share)
        return shares.isEmpty ? nil : shares.mean(\.self)
    }

    private var disturbed: String? {
        let count = trials.count { $0.disturbance?.isTooMuch == true }
        return count == 0
            ? nil
            : "ranks lost their CPUs to others or were stopped in \(count) of \(counted(trials.count, "trial")) each time it was measured"
    }

    private var throttled: String? {
        guard let quota, let share = mean(\.throttledShare) else { return nil }
        return MachineRemarks.throttled(quota, share)
    }
}
