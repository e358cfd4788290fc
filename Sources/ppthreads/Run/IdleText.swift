// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// In sentences without their ends why ranks idle, and how that goes with the bubble that formulas have.
package struct IdleText {
    /// What ranks wait for.
    package let measured: String
    /// What is left of it with equal stages, measured and by formula.
    package let ofEqualStages: String

    /// - Parameter schedule: of two ranks and more.
    package init(_ shares: IdleShares, _ schedule: Schedule) {
        func percent(_ share: Double) -> String { "\((share * 100).fixed(1)) %" }
        measured =
            "ranks idle for \(percent(shares.mean)) of the step in the mean: \(percent(shares.imbalance)) because rank \(shares.busiestRank) has the most work (imbalance), "
            + "\(percent(shares.bubble)) because of the order, in which that one waits too (bubble)"
        let formula = schedule.idleShareByFormula.map { "; the formula for that says \(percent($0))" } ?? ""
        ofEqualStages =
            "of equal stages all of it would be the order's: \(percent(shares.ofEqualStages)) of a step without updates\(formula)"
    }
}
