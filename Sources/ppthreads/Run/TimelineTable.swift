// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What the timeline of a run says, for a person: all in the mean over the measured steps.
struct TimelineTable {
    private let figures: TimedFigures
    private let schedule: Schedule

    init(_ figures: TimedFigures, _ schedule: Schedule) {
        self.figures = figures
        self.schedule = schedule
    }

    var text: String {
        ([terms, circumstances] + idle + ["", ranks] + (figures.handoffs.isEmpty ? [] : ["", edges])).joined(
            separator: "\n")
    }

    private var terms: String { TermLines(figures.breakdown, schedule).lines.joined(separator: "\n") }

    private var circumstances: String {
        let other = figures.whatIf
        return "the step would be \(other.freeTransport.milliseconds) if hand-offs cost nothing, "
            + "\(other.equalStages.milliseconds) if stages were equal, \(other.both.milliseconds) if both\(undisturbed)"
    }

    /// Told only where it makes a difference.
    private var undisturbed: String {
        let (step, lost) = (figures.breakdown.step, figures.breakdown.oversubscription)
        return lost > 0.02 * step ? "; \((step - lost).milliseconds) if ranks had had their CPUs" : ""
    }

    /// Nothing on one rank, which waits for nobody.
    private var idle: [String] {
        if schedule.ranks == 1 { return [] }
        let text = IdleText(figures.idleShares, schedule)
        return [text.measured, text.ofEqualStages]
    }

    private var ranks: String {
        let copies = schedule.copies > 1
        let header =
            ["rank, ms", "busy", "displaced", "no input", "receiving", "no room", "handing on"]
            + (copies ? ["summing"] : []) + ["update", "outside", "idle inside", "idle in all"]
        let rows = figures.ranks.enumerated().map { rank, terms in
            [String(rank)]
                + [
                    terms.busy, terms.displaced, terms.waitingForInput, terms.receiving, terms.waitingForRoom,
                    terms.handingOn, copies ? terms.summing : nil, terms.updating, terms.outside, terms.idleInside,
                    terms.idle,
                ].compactMap(\.self).map { ($0 * 1000).fixed(2) }
        }
        return TextTable([header] + rows, leading: 1).text
    }

    private var edges: String {
        let header = ["hand-off", "bytes", "p50", "p99", "max", "there", "spun for", "slept for"]
        let rows = figures.handoffs.map { edge in
            let all = Double(edge.seconds.sorted.count)
            return ["stage \(edge.from) to \(edge.to)", edge.bytes.grouped]
                + [edge.seconds.median, edge.seconds.quantile(0.99), edge.seconds.max].map {
                    "\(($0 * 1e6).fixed(2)) us"
                } + [edge.ready, edge.spun, edge.parked].map { "\((Double($0) / all * 100).fixed(0)) %" }
        }
        return TextTable([header] + rows, leading: 1).text
    }
}
