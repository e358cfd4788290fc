// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension ComparisonFigures {
    /// The terms that a step of any candidate can have.
    var terms: [Breakdown.Term] { comparison.terms }

    /// Whose tokens/s others are told over: GPipe's on the same transport, or where GPipe takes no part the first schedule's, in
    /// rows of the first transport.
    package var base: (name: String, ratio: (CandidateFigures) -> CandidateFigures.Ratio?) {
        candidates.contains { $0.overGPipe != nil }
            ? (ScheduleKind.gpipe.title, { $0.overGPipe }) : (candidates[0].schedule, { $0.overFirst })
    }
}
