import Pipeline

/// All orders that can be made by name, for the terminal and for docs/schedules.md.
package enum ScheduleList {
    /// For the terminal.
    static var table: String {
        let header = ["name", "title", "v", "idle on each rank", "in flight on rank r", "constraints", "arXiv"]
        let rows = ScheduleKind.allCases.map { kind in
            [
                kind.rawValue, kind.title, kind.stagesOfRank.description, kind.about.idle, kind.about.peak,
                kind.about.constraints, kind.about.paper,
            ]
        }
        return TextTable([header] + rows, leading: header.count).text
    }

    /// The part of docs/schedules.md that follows from the code: a table, and each order with its drawing.
    package static var markdown: String {
        let rows = ScheduleKind.allCases.map { kind in
            let about = kind.about
            return "| `\(kind.rawValue)` | \(kind.title) ([\(about.paper)](https://arxiv.org/abs/\(about.paper))) | "
                + "\(kind.stagesOfRank) | \(about.idle) | \(about.peak) | \(about.constraints) |"
        }
        let table =
            [
                "| name | | v | Idle on each rank | Peak in flight on rank r | Constraints |",
                "| --- | --- | --- | --- | --- | --- |",
            ]
            + rows
        return (table + [""] + ScheduleKind.allCases.flatMap(section)).joined(separator: "\n")
    }

    private static func section(_ kind: ScheduleKind) -> [String] {
        [
            "## \(kind.title)", "",
            "\(kind.about.authors), [\(kind.about.paper)](https://arxiv.org/abs/\(kind.about.paper)). \(kind.about.summary)",
            "",
        ]
            + drawing(kind) + [""]
    }

    /// Of as few ranks as show the order.
    private static func drawing(_ kind: ScheduleKind) -> [String] {
        let sizes = kind.usualVirtualStages == 1 ? (3, 5) : (2, 4)
        let schedule = kind.make(ranks: sizes.0, microbatches: sizes.1)
        guard let times = try? OrderTimes(schedule) else { return [] }
        let command = "ppthreads schedule \(kind.rawValue) --stages \(sizes.0) --microbatches \(sizes.1)"
        return ["```", "$ \(command)"] + OrderDrawing(times, width: 200).lines + ["```"]
    }
}
