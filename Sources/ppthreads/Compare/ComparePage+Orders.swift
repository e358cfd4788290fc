// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

extension ComparePage {
    /// What any order would make of the durations that were measured.
    var orders: Markup {
        [
            Page.section(
                "any-order", "Any order, drawn to these times", Markup(sentences.map { .element("p", [:], $0) })),
            explorer.content,
        ]
    }

    private var sentences: [Markup] {
        let costs = measured.costs
        let halves =
            measured.isSplit ? "" : ", of which I and W are taken for a half each: no schedule here does them apart"
        let backward = "I \(costs.inputGradient.plain) and W \(costs.weightGradient.plain)"
        let handOff = costs.handOff > 0 ? costs.handOff.plain : "next to nothing"
        return [
            "What orders make of the durations measured above, were all stages equal and no CPU lost: one unit is \((measured.unit * 1000).plain)\u{A0}ms, which is F, the forward of a microbatch through a rank's share of the network; \(backward) (means over all stages and candidates\(halves)), and a hand-off takes \(handOff) (the median of \(candidates[0].name)). Change a time, or choose another order.",
            "\(alone)",
        ] + (explorer.orders.hasNamed ? [] : [Self.tooMany])
    }

    private static let tooMany: Markup =
        "Only orders that were compared are drawn: all others of these sizes would make too large a page."

    /// What the first candidate's order takes, and what its step took.
    private var alone: String {
        let (candidate, step) = (candidates[0], candidates[0].stepSeconds.value)
        let schedule = candidate.plan.schedule
        guard let times = try? OrderTimes(schedule, measured.costs(of: schedule)) else {
            trap("an order that was run and cannot be drawn")
        }
        let alone = times.makespan * measured.unit
        return
            "At these times the order of \(candidate.schedule) takes \(times.makespan.plain) units, \((alone * 1000).plain)\u{A0}ms. Its step on \(candidate.transport.rawValue) took \((step * 1000).plain)\u{A0}ms: there stages differ, weights are packed and updated, ranks may have been without a CPU, and its tasks have durations of their own, not the means of all."
    }
}

extension PageOrders {
    /// Those that can be made by name of the sizes that are compared, unless they are too many for a page, and each schedule that is
    /// compared and is none of them. A file's stands under its own name, whatever its order.
    init(comparing schedules: [Schedule]) {
        let (ranks, microbatches) = ([schedules[0].ranks], [schedules[0].microbatches])
        let several = Set(schedules.map(\.virtualStages)).subtracting([1]).sorted()
        let stages = several.isEmpty ? [2] : several
        let all = Self.actionsOfNamed(ranks: ranks, microbatches: microbatches, virtualStages: stages)
        var orders =
            all > Self.actionsMost
            ? [] : Self.named(ranks: ranks, microbatches: microbatches, virtualStages: stages)
        let keys = schedules.map { schedule in
            let own = Order(schedule)
            // On several transports a schedule is compared several times.
            let same = orders.first { other in
                if other.key == own.key { return true }
                guard let kind = schedule.kind else { return false }
                return other.name == kind.rawValue && other.sizes[0].actions == own.sizes[0].actions
            }
            if same == nil { orders.append(own) }
            return same?.key ?? own.key
        }
        self.init(
            orders: orders, first: keys[0], other: keys.first { $0 != keys[0] }, ranks: ranks,
            microbatches: microbatches)
    }
}
