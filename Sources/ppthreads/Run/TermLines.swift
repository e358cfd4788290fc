// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// A mean step and the terms that it is the sum of, a line each.
struct TermLines {
    private let terms: Breakdown
    private let schedule: Schedule

    init(_ terms: Breakdown, _ schedule: Schedule) { (self.terms, self.schedule) = (terms, schedule) }

    var lines: [String] {
        let rows = Breakdown.Term.all(withCopies: schedule.copies > 1).map { term in
            [
                term.rawValue.padded(to: 16), terms[term].milliseconds.paddedLeft(to: 10),
                terms.share(term).percent.paddedLeft(to: 7), term.brief,
            ].joined(separator: "  ")
        }
        return ["mean step".padded(to: 16) + "  " + terms.step.milliseconds.paddedLeft(to: 10)] + rows
    }
}
