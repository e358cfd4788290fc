// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension ComparePage {
    /// Why ranks idle, beside what formulas say of equal stages; nothing on one rank, which waits for nobody.
    var idle: Markup {
        let first = candidates[0]
        if first.plan.schedule.ranks == 1 { return [] }
        let rows = candidates.map { candidate -> Markup in
            let cells = IdleColumns.cells(candidate).map { text in
                text.map { Markup.element("td", [:], Markup($0)) } ?? Page.noFigure
            }
            return .element("tr", [:], Markup([Page.rowHeader(candidate.name)] + cells))
        }
        let text = IdleText(first.idleShares, first.plan.schedule)
        return Page.section(
            "idle", "Why ranks idle",
            [
                .element("p", [:], "Under \(first.name) \(text.measured); \(text.ofEqualStages)."),
                Page.table("In the mean over ranks", ["candidate"] + IdleColumns.names, rows),
            ])
    }
}
