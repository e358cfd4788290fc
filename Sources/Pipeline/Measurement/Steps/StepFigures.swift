// SPDX-License-Identifier: Apache-2.0

/// A step's times with what they say: each worked out once.
public struct StepFigures: Sendable {
    /// What the figures are worked out from.
    public let times: StepTimes
    /// Where the step's time went.
    public let breakdown: Breakdown
    /// What the step would have taken otherwise.
    public let whatIf: WhatIf

    /// Works all of them out.
    public init(_ times: StepTimes) {
        self.times = times
        breakdown = Breakdown(times)
        whatIf = WhatIf(times, breakdown)
    }
}
