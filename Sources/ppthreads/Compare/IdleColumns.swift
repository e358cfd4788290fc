// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Why a candidate's ranks idle, in the mean over them: what the table and the page have of it.
enum IdleColumns {
    static let names = ["of the step", "imbalance", "bubble", "of equal stages", "by formula"]

    /// In percent; nil where there is no formula.
    static func cells(_ candidate: CandidateFigures) -> [String?] {
        let shares = candidate.idleShares
        return [
            shares.mean, shares.imbalance, shares.bubble, shares.ofEqualStages,
            candidate.plan.schedule.idleShareByFormula,
        ].map { $0?.percent }
    }
}
