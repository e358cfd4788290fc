// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// In sentences without their ends why ranks idle, and how that goes with the bubble that formulas have.
struct IdleText {
    /// What ranks wait for.
    let measured: String
    /// What is left of it with equal stages, measured and by formula.
    let ofEqualStages: String

    /// - Parameter schedule: of two ranks and more.
    init(_ shares: IdleShares, _ schedule: Schedule) {
        measured =
            "ranks idle for \(shares.mean.percent) of the step in the mean: \(shares.imbalance.percent) because rank \(shares.busiestRank) has the most work (imbalance), "
            + "\(shares.bubble.percent) because of the order, in which that one waits too (bubble)"
        let others = schedule.copies > 1 ? "updates and reduction" : "updates"
        let formula = schedule.idleShareByFormula.map { "; the formula for that says \($0.percent)" } ?? ""
        ofEqualStages =
            "of equal stages all of it would be the order's: \(shares.ofEqualStages.percent) of a step without \(others)\(formula)"
    }
}
