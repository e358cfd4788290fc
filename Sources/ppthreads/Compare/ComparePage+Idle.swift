// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension ComparePage {
    /// Why ranks idle, beside what formulas say of equal stages; nothing on one rank, which waits for nobody.
    var idle: Markup {
        if candidates[0].plan.schedule.ranks == 1 { return [] }
        let header = ["candidate", "of the step", "imbalance", "bubble", "of equal stages", "by formula"]
        let rows = candidates.map { candidate -> Markup in
            let shares = candidate.idleShares
            let formula = candidate.plan.schedule.idleShareByFormula
            let cells = [shares.mean, shares.imbalance, shares.bubble, shares.ofEqualStages].map(share)
            return .element(
                "tr", [:],
                Markup([Page.rowHeader(candidate.name)] + cells + [formula.map(share) ?? Page.noFigure]))
        }
        let text = candidates[0].idleText
        return Page.section(
            "idle", "Why ranks idle",
            [
                .element("p", [:], "Under \(candidates[0].name) \(text.measured); \(text.ofEqualStages)."),
                Page.table("In the mean over ranks, in percent", header, rows),
            ])
    }

    private func share(_ value: Double) -> Markup { .element("td", [:], Markup("\((value * 100).fixed(1))")) }
}

extension CandidateFigures {
    fileprivate var idleText: IdleText { IdleText(idleShares, plan.schedule) }
}
