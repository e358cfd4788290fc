// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// A simulated run for a person: as `run` tells a measured one, and what is proven of its order.
struct SimulationTable {
    private let run: SimulatedRun
    private let options: SimulateOptions
    private let origin: String
    private let notes: [String]

    /// - Parameter origin: where the costs are from.
    init(_ run: SimulatedRun, _ options: SimulateOptions, origin: String, notes: [String]) {
        (self.run, self.options, self.origin, self.notes) = (run, options, origin, notes)
    }

    var text: String {
        let drawing = isSmall ? [""] + drawing : []
        return
            ([title, "", speed, ""] + terms + bound + idle + ["", ranks.text] + drawing
            + notes.map { "\nnote: \($0)" })
            .joined(separator: "\n")
    }

    private var schedule: Schedule { run.schedule }
    /// Whether figures of each task are made; of more, they would fill the memory.
    private var isSmall: Bool { run.first.graph.order.count * run.simulations.count <= Self.tasksMost }
    static let tasksMost = 1_000_000

    private var title: String {
        let sizes = [
            "P=\(schedule.ranks)", schedule.virtualStages > 1 ? "v=\(schedule.virtualStages)" : nil,
            schedule.replicas > 1 ? "in \(schedule.replicas) replicas" : nil, "M=\(schedule.microbatches)",
            run.plan.map { "layout \($0.layout)" },
        ]
        let model = run.plan.map { "\($0.configuration.model.name); " } ?? ""
        return
            "\(model)\(schedule.name), \(sizes.compactMap(\.self).joined(separator: ", ")): simulated, not run; costs \(origin)"
    }

    private var speed: String {
        let step = run.breakdown.step
        let rate =
            run.tokensOfStep.map { "tokens/s   \((Double($0) / step).grouped)   (\($0.grouped) tokens a step)" }
            ?? "step/s     \((1 / step).plain)"
        return "\(rate)\(spread)"
    }

    /// Of jitter.
    private var spread: String {
        if run.simulations.count == 1 { return "" }
        let steps = Statistics(run.simulations.map(\.step))
        return
            "\nstep       \(steps.median.milliseconds) median; quartiles \(steps.quantile(0.25).milliseconds) to \(steps.quantile(0.75).milliseconds) "
            + "of \(counted(steps.sorted.count, "simulated step"))"
    }

    private var terms: [String] { TermLines(run.breakdown, schedule).lines }

    private var bound: [String] {
        let distance =
            run.gap < 1e-9
            ? "no order of these actions takes less"
            : "\((run.gap * 100).fixed(run.gap < 1e-3 ? 3 : 1)) % above what no order can beat"
        return [
            "makespan \(run.makespan.milliseconds), without updates; bound \(run.bound.value.milliseconds): \(distance)",
            "proven by \(proof); in steady state steps take \(run.bound.steadyStateBound.milliseconds) in the mean at least, rank \(run.bound.busiestRank)'s work",
        ]
    }

    private var proof: String {
        guard case .rank(let rank, let before, let work, let after) = run.bound.proof else {
            return run.bound.proof.description
        }
        let parts = [
            before > 0 ? "\(before.milliseconds) before it can begin" : nil, "\(work.milliseconds) of work",
            after > 0 ? "\(after.milliseconds) that have to follow" : nil,
        ]
        return "rank \(rank): \(parts.compactMap(\.self).joined(separator: ", "))"
    }

    private var idle: [String] {
        if schedule.ranks == 1 || !isSmall { return [] }
        let text = IdleText(run.timed.idleShares, schedule)
        return [text.measured, text.ofEqualStages]
    }

    private var ranks: TextTable {
        let hasModel = run.plan != nil
        let header =
            ["rank", "stages"] + (hasModel ? ["holds"] : []) + ["work, ms", "idle, ms", "idle inside, ms", "in flight"]
            + (hasModel ? ["activations", "weights", "memory"] : [])
        let (work, idle, inside) = (run.workOfRank, run.idleOfRank, run.idleInsideOfRank)
        let (activations, memory) = (run.plan?.activationBytesPeakOfRank, run.memoryBytesOfRank)
        let rows = (0..<schedule.ranks).map { rank -> [String] in
            let stages = schedule.stagesOfRanks[rank]
            let holds = run.plan.map { plan in
                stages.map { plan.holds(stage: $0) }.joined(separator: "; ")
            }
            let bytes = [activations?[rank], run.plan?.weightBytesOfRank[rank], memory?[rank]].compactMap(\.self)
            return ["\(rank)", stages.map(String.init).joined(separator: ",")] + [holds].compactMap(\.self)
                + [work[rank], idle[rank], inside[rank]].map { ($0 * 1000).fixed(2) }
                + ["\(run.facts.inFlightOfRank[rank])"] + bytes.map { ByteCount($0).description }
        }
        return TextTable([header] + rows, leading: hasModel ? 3 : 2)
    }

    private var drawing: [String] {
        let drawing = TraceDrawing(run.first.spans, ranks: schedule.ranks)
        return drawing.lines(TraceCanvas(width: options.width, scale: drawing.length)) + drawing.causeLines
    }
}

extension SimulatedRun {
    /// Tokens of one step; nil without a model.
    var tokensOfStep: Int? { plan.map { $0.configuration.batchSize * $0.configuration.model.sequenceLength } }
}

extension RunPlan {
    /// The units of a stage: the first and the last, or the only one.
    func holds(stage: Int) -> String {
        let names = configuration.model.units[partition.ranges[schedule.modelStage(stage)]].map(\.name)
        return names.count == 1 ? names[0] : "\(names.first!) .. \(names.last!)"
    }
}
