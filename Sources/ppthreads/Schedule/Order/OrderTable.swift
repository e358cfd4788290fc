// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// What there is to say of an order in unit times: the drawing, its makespan beside what no order can beat, where ranks do
/// nothing, and what is in flight.
struct OrderTable {
    private let order: OrderFacts
    private let width: Int

    init(_ order: OrderFacts, width: Int) { (self.order, self.width) = (order, width) }

    var lines: [String] {
        let drawing = OrderDrawing(order.times, width: width)
        return [title] + drawing.lines + [drawing.hint].compactMap(\.self) + ["", makespan, bubble, bits]
            + order.notes.map { "note: \($0)" } + [""] + ranks + edges
    }

    private var schedule: Schedule { order.times.schedule }

    private var title: String {
        let costs = order.costs
        let sizes = [
            counted(schedule.ranks, "rank"), stages,
            counted(schedule.microbatches, "microbatch", "microbatches"),
        ].joined(separator: ", ")
        let times = "F \(costs.forward.plain), I \(costs.inputGradient.plain), W \(costs.weightGradient.plain)"
        let handOff = costs.handOff == 0 ? "hand-offs free" : "a hand-off \(costs.handOff.plain)"
        return "\(schedule.name): \(sizes); \(times), \(handOff)"
    }

    private var stages: String {
        let ofCopy = counted(schedule.stagesOfCopy, "stage")
        return schedule.copies == 1 ? ofCopy : "\(schedule.copies) copies of \(ofCopy)"
    }

    private var makespan: String {
        let (makespan, bound) = (order.times.makespan, order.boundValue)
        let gap = bound > 0 ? makespan / bound - 1 : 0
        let distance =
            gap < 1e-9
            ? "no order of these actions takes less"
            : "\(gap < 1e-4 ? "less than 0.01" : (gap * 100).fixed(gap < 1e-3 ? 2 : 1)) % above what no order can beat"
        return "makespan  \(makespan.plain); bound \(bound.plain), proven by rank \(order.bound.rank): \(distance)"
    }

    private var bubble: String {
        let all = (order.times.bubble * 100).fixed(1)
        let most = order.times.idleInside.max() ?? 0
        return
            "bubble    \(all) % of ranks x makespan; inside a rank, from its first action to its last, \(time(most)) at most"
    }

    private var bits: String {
        switch order.facts.bits {
        case .asOneStage: "results   those of one stage, to the bit"
        case .toRounding(let reason): "results   those of one stage to rounding: \(reason)"
        }
    }

    private var ranks: [String] {
        let header = ["rank", "stages", "work", "idle", "inside", "in flight at most"]
        let (stages, work) = (schedule.stagesOfRanks, order.times.work)
        let (idle, inside) = (order.times.idle, order.times.idleInside)
        let rows = (0..<schedule.ranks).map { rank in
            [
                "\(rank)", stages[rank].map(String.init).joined(separator: " "), time(work[rank]), time(idle[rank]),
                time(inside[rank]), "\(order.facts.inFlightOfRank[rank])",
            ]
        }
        return TextTable([header] + rows, leading: 2).lines
    }

    /// Without what is left of a sum that was rounded.
    private func time(_ value: Double) -> String { value < 1e-9 * order.times.makespan ? "0" : value.plain }

    private var edges: [String] {
        let lowerEnds = (0..<schedule.stages).filter { !schedule.isLast($0) }
        if lowerEnds.isEmpty { return [] }
        let rows = lowerEnds.map { stage in
            [
                "\(stage)-\(stage + 1)", "\(order.facts.activationSlots[stage])",
                schedule.isForwardOnly ? "-" : "\(order.facts.gradientSlots[stage + 1])",
                schedule.rankOfStage[stage] == schedule.rankOfStage[stage + 1] ? "within a rank" : "",
            ]
        }
        return [""] + TextTable([["edge", "activations out", "gradients out", ""]] + rows, leading: 1).lines
    }
}

extension Double {
    /// As few digits as tell it, three after the point at most, but of numbers below a thousandth.
    var plain: String {
        if self == rounded(), magnitude < 1e15 { return "\(Int(self))" }
        if magnitude < 1e-3 { return "\(self)" }
        var text = fixed(3)
        while text.hasSuffix("0") { text.removeLast() }
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}
