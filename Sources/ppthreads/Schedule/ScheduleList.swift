// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// All orders that can be made by name, for the terminal and for docs/schedules.md.
package enum ScheduleList {
    /// For the terminal: what fits a line in a table, the rest below it.
    static var text: String {
        let kinds = ScheduleKind.allCases
        let header = ["name", "title", "stages a rank", "in flight on rank r", "constraints"]
        let rows = kinds.map { kind in
            [
                kind.rawValue, kind.title, kind.stagesOfRank.description, kind.about.peak.plainText,
                kind.about.constraints.plainText,
            ]
        }
        let idle = kinds.map { [$0.rawValue, $0.about.idle.plainText] }
        return TextTable([header] + rows, leading: header.count).text + "\n\n"
            + TextTable([["name", "idle on each rank, of equal stages and with free hand-offs"]] + idle, leading: 2)
            .text
            + "\n\nP ranks (r from 0), M microbatches, v stages (chunks) a rank; F, I, W: a stage's forward, its input's gradient, "
            + "its weights'; B = I + W.\nppthreads schedule NAME draws one; docs/schedules.md has all drawn."
    }

    /// docs/schedules.md, whole: `ppthreads schedule --list --markdown`.
    package static var document: String {
        ([introduction, "", tableHeader] + ScheduleKind.allCases.map(tableRow) + ["", afterTable, ""]
            + ScheduleKind.allCases.flatMap(section) + [validator]).joined(separator: "\n")
    }

    private static let introduction = """
        # Schedules

        Made from the code by `ppthreads schedule --list --markdown`; a test compares.

        P ranks (r from 0), M microbatches, v stages a rank (its chunks), K = vP stages; F, I and W the times of a stage's forward
        and of the two parts of its backward, the input's gradient and the weights', B = I + W.
        """

    private static let tableHeader = """
        | `--schedule` | | v | Idle on each rank | Peak in flight on rank r | Constraints |
        | --- | --- | --- | --- | --- | --- |
        """

    private static let afterTable = """
        These hold for equal stages and hand-offs that cost nothing, with a barrier at both ends of the step: idle is the step less what a
        rank works. `ppthreads schedule NAME` draws an order in times of your choice, beside a makespan that no order of the
        same actions can beat; `ppthreads run` measures. In flight is a microbatch at a stage from its forward to the end of its backward:
        of its W where that comes apart, and from I to W a gradient is kept beside its activations. What a run really had in
        flight is in its table.

        Backwards ascend in microbatches in all of them but Looped BFS, so that gradients add up in one order and results are those of
        one stage to the bit. An order whose backwards do not ascend runs too; its results agree to rounding.

        Chimera and DualPipe hold two copies of the stages, each with weights of its own: K = vP/2. A microbatch goes through one of
        them, and gradients are summed over the copies before the update, so that results agree to rounding. Stages are numbered
        copy after copy: of K = 4, `4F2` is microbatch 2's forward at the first stage of the second. `--replicas R` draws any order R times side by
        side, which is data parallelism: R times as many copies on R times as many ranks; `run`, `compare`, `sweep` and `verify` have the same flag.

        Your own order is a CSV ([commands.md](commands.md#schedule)): a line for each rank, a cell for each action, as PyTorch's
        pipelining writes it. `--schedule FILE.csv` takes it in `run`, `compare`, `sweep` and `verify`.
        """

    private static func tableRow(_ kind: ScheduleKind) -> String {
        let about = kind.about
        return "| `\(kind.rawValue)` | \(kind.title) ([\(about.paper)](https://arxiv.org/abs/\(about.paper))) | "
            + "\(kind.stagesOfRank) | \(about.idle) | \(about.peak) | \(about.constraints) |"
    }

    private static func section(_ kind: ScheduleKind) -> [String] {
        let about = kind.about
        let source = "\(about.authors), [\(about.paper)](https://arxiv.org/abs/\(about.paper))."
        return ["## \(kind.title)", "", "\(source) \(about.summary)", ""] + drawing(kind) + [""]
    }

    /// Of as few ranks and microbatches as show the order.
    private static func drawing(_ kind: ScheduleKind) -> [String] {
        let (ranks, microbatches) = kind.copies > 1 ? (4, 8) : kind.usualVirtualStages == 1 ? (3, 5) : (2, 4)
        guard let times = try? OrderTimes(kind.make(ranks: ranks, microbatches: microbatches)) else { return [] }
        let command = "ppthreads schedule \(kind.rawValue) --stages \(ranks) --microbatches \(microbatches)"
        return ["```", "$ \(command)"] + OrderDrawing(times, width: 200).lines + ["```"]
    }

    private static let validator = """
        ## The validator

        Every schedule is validated before it runs: every rank at work; each microbatch in one copy of the stages; each action once and
        on its stage's rank; W after I after F; the same order of microbatches at both ends of each link; no deadlock. What passes runs: a test tries all orders of the smallest
        schedules, and random ones. Then `ScheduleFacts` works out, from which actions are known to
        have finished before which, the slots of each ring, the frames that each microbatch takes at each stage, the peak
        in flight of each rank, and whether results are those of one stage to the bit, for every possible timing rather than for one
        simulated run. `checkDeadlock` answers for other capacities. Time and memory are linear in the actions; where ranks form a loop,
        as with several chunks a rank, time is so for each of its ranks.
        """
}

extension String {
    /// Without Markdown's marks.
    fileprivate var plainText: String { replacing("`", with: "") }
}
