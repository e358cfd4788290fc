// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// What a search for an order may choose, and how long it may take.
struct AutoOptions {
    /// Where stages are: one a rank, two of them in a loop or a V, or whichever of these makes the shortest step.
    enum Placement: String, CaseIterable { case any, line, loop, v }

    /// Whether there is to be one.
    var isAsked = false
    var placement = Placement.any
    /// The most that a rank may hold, in bytes.
    var memory: Int?
    /// The most frames that a rank may hold.
    var frames: Int?
    var seconds = 5.0
    var save: String?

    static let standard = AutoOptions()

    static var flags: [Flag<AutoOptions>] {
        [
            .choice("--placement", set: \.placement, standard: standard, help: "of --schedule auto: where stages are"),
            .bytes(
                "--memory", set: \.memory, help: "of --schedule auto: the most that a rank may hold, such as 200MiB"),
            .number(
                "--frames", set: \.frames, in: 1...Limits.microbatches.upperBound * 64, standard: "no limit",
                help: "of --schedule auto: the most frames that a rank's stages may hold together"),
            .positive(
                "--search-seconds", set: \.seconds, max: 86400, placeholder: "SECONDS", standard: standard,
                help: "of --schedule auto: when the search ends at the latest"),
            .path("--save-order", set: \.save, help: "write the order as PyTorch's CSV, which --schedule takes"),
        ]
    }

    /// Refuses what is of a search alone where none is asked for.
    func check() throws(CommandError) {
        if isAsked { return }
        let given = [
            ("--placement", placement != .any), ("--memory", memory != nil), ("--frames", frames != nil),
            ("--search-seconds", seconds != Self.standard.seconds),
        ]
        guard let flag = given.first(where: \.1) else { return }
        throw CommandError(code: .usage, message: "\(flag.0): is of --schedule auto, which searches for an order")
    }
}

/// An order that a search has found for costs, simulated.
struct AutoOrder {
    let run: SimulatedRun
    let found: FoundOrder

    /// What is to be said of it: sentences without their ends.
    var notes: [String] {
        let named = found.bestNamed.map { named in
            "the best named order of this placement\(found.bytesOfRank.isEmpty ? "" : " that fits"), \(named.kind.rawValue), takes \((named.makespan * 1000).fixed(2)) ms, x\((named.makespan / found.makespan).fixed(3))"
        }
        let least =
            "no order within memory takes less than \((found.leastMakespan * 1000).fixed(2)) ms: the order that was found is \(found.gap < 1e-9 ? "optimal" : "\((found.gap * 100).fixed(2)) % above that")"
        let end: String? =
            found.end == .time
            ? "the search ended by --search-seconds after \(found.evaluations.grouped) orders: another machine may find another one"
            : nil
        return [least, named, end].compactMap(\.self)
    }
}

extension SimulateOptions {
    /// Searches each placement that may be chosen, and takes the shortest step.
    func searched(_ file: CostsFile?) throws(CommandError) -> AutoOrder {
        let kinds = try placements()
        var best: AutoOrder?
        var refusals: [CommandError] = []
        for kind in kinds {
            do throws(CommandError) {
                let own = try search(kind, file, seconds: auto.seconds / Double(kinds.count))
                if own.run.breakdown.step < best?.run.breakdown.step ?? .infinity { best = own }
            } catch {
                refusals.append(error)
            }
        }
        if let best { return best }
        throw refusals[0]
    }

    /// Named orders with the placements, which their plans are made of.
    private func placements() throws(CommandError) -> [ScheduleKind] {
        switch auto.placement {
        case .line: [.zeroBubble]
        case .loop: [.interleavedZeroBubble]
        case .v: [.zeroBubbleV]
        case .any: [.zeroBubble, .interleavedZeroBubble, .zeroBubbleV]
        }
    }

    private func search(_ kind: ScheduleKind, _ file: CostsFile?, seconds: Double) throws(CommandError) -> AutoOrder {
        var options = try options(
            .kind(kind), stages: stages?.first, microbatches: microbatches?.first, virtualStages: virtualStages?.first)
        if kind.stagesOfRank == .any, virtualStages == nil { options.virtualStages = 2 }
        let schedule = try order(options)
        let plan = times.areGiven ? nil : try cutPlan(options, file)
        let costs = try costs(schedule, plan, file)
        var limits = auto.memory.map { bytes in schedule.actions.map { _ in bytes } }
        // What an order's rings take is known once there is the order: where that is too much, the next one has so much less.
        for _ in 0..<4 {
            let problem = costs.problem(
                rankOfStage: schedule.rankOfStage, microbatches: schedule.microbatches,
                memory: try memory(schedule, plan, limits))
            let found = try found(problem, seconds: seconds)
            let run = try simulated(found, options, plan, costs)
            let tooMuch = (run.memoryBytesOfRank ?? []).map { max(0, $0 - (auto.memory ?? .max)) }
            if tooMuch.allSatisfy({ $0 == 0 }) { return AutoOrder(run: run, found: found) }
            limits = limits.map { zip($0, tooMuch).map { $0 - $1 } }
        }
        throw CommandError(
            code: .usage,
            message:
                "--memory: no order of \(kind.title)'s placement was found that fits \(ByteCount(auto.memory ?? 0)) a rank"
        )
    }

    /// The run on paper under an order with the placement: with the cut that was asked for, else the one that the costs make the fastest.
    private func cutPlan(_ options: RunOptions, _ file: CostsFile?) throws(CommandError) -> RunPlan {
        var configuration = try configuration(options)
        if !partitionIsGiven { configuration.partition = .balanced }
        let first = try plan(configuration)
        if partitionIsGiven { return first }
        let loads = try unitCosts(first, file).units.map { $0.forward + $0.backward }
        do throws(PartitionError) {
            configuration.partition = .given(
                try Partition.balanced(loads: loads, stages: first.schedule.stagesOfCopy, first.graph))
        } catch {
            throw CommandError(code: .usage, message: "--stages: \(error)")
        }
        return try plan(configuration)
    }

    private func found(_ problem: OrderProblem, seconds: Double) throws(CommandError) -> FoundOrder {
        do throws(ScheduleError) {
            return try OrderSearch(problem, seed: UInt64(run.seed), seconds: seconds).run()
        } catch {
            throw CommandError(code: .usage, message: "\(auto.frames == nil ? "--memory" : "--frames"): \(error)")
        }
    }

    /// What ranks may hold: by bytes with a model, by frames otherwise.
    private func memory(_ schedule: Schedule, _ plan: RunPlan?, _ limits: [Int]?) throws(CommandError) -> OrderMemory? {
        if let frames = auto.frames {
            return OrderMemory(
                frameBytes: schedule.rankOfStage.map { _ in 1 }, gradientBytes: schedule.rankOfStage.map { _ in 0 },
                limitOfRank: schedule.actions.map { _ in frames })
        }
        guard let limits else { return nil }
        guard let plan else {
            throw CommandError(
                code: .usage,
                message: "--memory: there is no model where --forward gives times of stages; --frames takes a number")
        }
        if let memory = plan.orderMemory(limitBytes: limits) { return memory }
        let needed = plan.memoryBytesOfRankAtWork.max() ?? 0
        throw CommandError(
            code: .usage,
            message:
                "--memory: weights and what else a rank has whatever the order take more than \(ByteCount(limits.min() ?? 0)) (\(schedule.name) holds \(ByteCount(needed)))"
        )
    }

    /// The order as a run.
    private func simulated(
        _ found: FoundOrder, _ options: RunOptions, _ plan: RunPlan?, _ costs: StageCosts
    ) throws(CommandError) -> SimulatedRun {
        let own = try plan.map { plan throws(CommandError) in
            var configuration = plan.configuration
            configuration.partition = .given(plan.partition)
            configuration.schedule = found.schedule
            return try self.plan(configuration)
        }
        let settings = try settings(found.schedule, options)
        do throws(ScheduleError) {
            return try SimulatedRun(found.schedule, costs, plan: own, settings)
        } catch {
            throw CommandError(code: .failed, message: "--schedule: auto: \(error)")
        }
    }
}
