// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// The sizes that a page has every order of.
struct SchedulePageSizes {
    /// P, M and v, each in the order given; the last for orders that leave a choice.
    let ranks, microbatches, virtualStages: [Int]

    /// As a flag's default.
    static var ranks: String { usual.ranks.map(String.init).joined(separator: ",") }
    /// As a flag's default.
    static var microbatches: String { usual.microbatches.map(String.init).joined(separator: ",") }

    private static let usual = (ranks: [2, 4, 8], microbatches: [4, 8, 16])

    /// - Throws: code 64 for sizes that make too large a page.
    init(_ options: ScheduleOptions) throws(CommandError) {
        ranks = options.stages ?? Self.usual.ranks
        microbatches = options.microbatches ?? Self.usual.microbatches
        virtualStages = options.virtualStages ?? [2]
        try check()
    }

    /// Those of an order, with all others of the same P and M.
    init(_ schedule: Schedule, _ options: ScheduleOptions) throws(CommandError) {
        (ranks, microbatches) = ([schedule.ranks], [schedule.microbatches])
        virtualStages = options.virtualStages ?? [2]
        try check(besides: schedule.actions.reduce(0) { $0 + $1.count })
    }

    /// - Parameter own: actions of an order that is on the page besides.
    private func check(besides own: Int = 0) throws(CommandError) {
        let named = PageOrders.actionsOfNamed(ranks: ranks, microbatches: microbatches, virtualStages: virtualStages)
        let actions = named + Double(own)
        if actions <= PageOrders.actionsMost { return }
        throw CommandError(
            code: .usage,
            message:
                "--html: a page of up to \(actions.grouped) actions; it may hold \(Int(PageOrders.actionsMost)). Fewer or smaller "
                + "--stages, --microbatches and --virtual-stages make a smaller one")
    }
}
