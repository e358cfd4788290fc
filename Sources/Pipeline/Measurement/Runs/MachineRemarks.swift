// SPDX-License-Identifier: Apache-2.0

import Threads

/// What a person says of a machine that a run was measured on: sentences without their ends, and without commas, so that a column
/// of a CSV that holds them can be split anywhere.
enum MachineRemarks {
    /// What a quota took away.
    /// - Parameter share: of the measured time of the ranks' CPUs.
    static func throttled(_ quota: CPUQuota, _ share: Double) -> String {
        share.percent == 0.0.percent
            ? "the quota of \(quota) did not stop the ranks"
            : "the quota of \(quota) stopped the ranks for \(share.percent) of the measured time of their CPUs"
    }

    /// What a column of a CSV holds: why ranks have less than their CPUs, if they have, and the sentences.
    static func column(_ placement: Placement, _ sentences: [String]) -> String {
        let note = placement.note?.replacing(", ", with: " ").replacing(",", with: " ")
        return ([note].compactMap(\.self) + sentences).joined(separator: "; ")
    }

    /// What the hypervisor took away; nil where that is next to nothing.
    /// - Parameter share: of the same time.
    static func stolen(_ share: Double) -> String? {
        share > RunFigures.stolenLimit ? "the hypervisor took \(share.percent) of the ranks' CPUs away (steal)" : nil
    }

    /// Steps of two kinds; nil where they are of one.
    static func kinds(_ steps: Statistics) -> String? {
        guard let kinds = StepKinds(steps) else { return nil }
        func milliseconds(_ seconds: Double) -> String { "\((seconds * 1e3).fixed(2)) ms" }
        let median = kinds.slowShare == 0.5 ? "lies between" : kinds.slowShare > 0.5 ? "is a slow one" : "is a fast one"
        return "steps come in two kinds: \(milliseconds(kinds.fast)) and \(milliseconds(kinds.slow)) with "
            + "\(kinds.slowShare.percent) of them slow; the median \(median)"
    }

    /// A rate over the whole measured time beside that of the median step; nil where they hardly differ.
    static func delivered(_ tokensPerSecond: Double, median: Double) -> String? {
        let below = 1 - tokensPerSecond / median
        guard below.magnitude > RunFigures.deliveredLimit else { return nil }
        let (side, length) = below > 0 ? ("below", "longer") : ("above", "shorter")
        return "delivered were \(tokensPerSecond.fixed(0)) tokens/s over the whole measured time: "
            + "\(below.magnitude.percent) \(side) the median step's because the mean step is \(length)"
    }
}
