// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

extension PageOrders {
    /// - Parameter choice: what is shown first; nil for no wish.
    init(_ choice: ScheduleName?, _ options: ScheduleOptions) throws(CommandError) {
        var file: Order?
        let sizes: SchedulePageSizes
        if let choice, case .file = choice {
            let (schedule, notes) = try options.order(choice)
            sizes = try SchedulePageSizes(schedule, options)
            file = Order(schedule, notes: notes)
        } else {
            sizes = try SchedulePageSizes(options)
        }
        let named = Self.named(
            ranks: sizes.ranks, microbatches: sizes.microbatches, virtualStages: sizes.virtualStages)
        orders = named + [file].compactMap(\.self)
        let wish = choice.flatMap { if case .kind(let kind) = $0 { kind } else { nil } } ?? .oneFOneB
        first = file?.key ?? orders.first { $0.name == wish.rawValue }?.key ?? orders[0].key
        other = choice == nil ? ScheduleKind.gpipe.rawValue : nil
        (ranks, microbatches) = (sizes.ranks, sizes.microbatches)
    }

    /// What the page holds, for the terminal: how many orders, and each size that makes none, with the reason.
    var lines: [String] {
        let all = orders.flatMap { order in order.sizes.map { (order.title, $0) } }
        let refused = all.compactMap { title, size in
            size.refusal.map { "not with P=\(size.ranks), M=\(size.microbatches): \($0)" }
        }
        let made = "\(counted(orders.count, "order")) of \(counted(ranks.count * microbatches.count, "size"))"
        return ["\(made): \(all.count - refused.count) drawings"] + refused
    }
}
