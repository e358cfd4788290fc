// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

extension SimulateOptions {
    /// Reads the files of orders and cuts, and checks flags that are of no use together.
    mutating func open() throws(CommandError) {
        try run.open(schedules, [run.partition])
        try CommandError.refuse("--costs", costs != nil, with: "--flops", flops != nil)
        try CommandError.refuse("--costs", costs != nil, with: "--forward", times.areGiven)
        try CommandError.refuse("--flops", flops != nil, with: "--forward", times.areGiven)
        if costs == nil && flops == nil && !times.areGiven {
            throw CommandError(
                code: .usage,
                message:
                    "costs are needed: --costs FILE (ppthreads profile --out FILE writes it), --flops RATE, or --forward TIME"
            )
        }
        if times.areGiven && times.forward == nil {
            throw CommandError(code: .usage, message: "--forward: is needed where other times of stages are given")
        }
        if anyMachine && costs == nil {
            throw CommandError(code: .usage, message: "--any-machine: there are no costs of a machine without --costs")
        }
        if !times.areGiven && (times.packing ?? times.update) != nil || !times.areGiven && times.itemBytes != nil {
            throw CommandError(
                code: .usage, message: "--packing, --update, --item-bytes: go with --forward; a model has its own")
        }
        if bandwidth != nil && times.areGiven && times.itemBytes == nil {
            throw CommandError(
                code: .usage, message: "--bandwidth: what stages hand on has a size too: give --item-bytes")
        }
    }

    /// Refuses flags of a model where times of stages are given.
    mutating func check(_ arguments: [String]) throws(CommandError) {
        try auto.check()
        partitionIsGiven = arguments.contains { $0 == "--partition" || $0.hasPrefix("--partition=") }
        if !times.areGiven { return }
        let ofModel: Set = [
            "--transport", "--partition", "--recompute", "--threads", "--arch", "--n-layers", "--layers", "--n-heads",
            "--heads",
            "--dim", "--ffn", "--vocab-size", "--seq-len", "--batch-size", "--batch", "--simd", "--gemm", "--optimizer",
            "--dropout",
        ]
        let given = arguments.map { String($0.prefix { $0 != "=" }) }.first(where: ofModel.contains)
        guard let given else { return }
        throw CommandError(
            code: .usage,
            message: "\(given): there is no model where --forward gives times of stages; --costs or --flops have one")
    }

    /// Files that are read.
    var inputs: [(flag: String, path: String)] {
        run.inputs + schedules.paths.map { ("--schedule", $0) } + [costs.map { ("--costs", $0) }].compactMap(\.self)
    }

    /// One order's options among those of a grid.
    func options(
        _ name: ScheduleName, stages: Int?, microbatches: Int?, virtualStages: Int?
    ) throws(CommandError) -> RunOptions {
        var own = run.under(name)
        (own.stagesAskedFor, own.microbatchesAskedFor) = (stages, microbatches)
        own.virtualStages = virtualStages
        if case .kind(let kind) = name, !times.areGiven,
            virtualStages == nil || !kind.allows(virtualStages: virtualStages!)
        {
            own = own.under(name)
        }
        // With times of stages there are no layers to choose by.
        if case .kind(let kind) = name, times.areGiven, own.waves == nil {
            own.virtualStages = virtualStages ?? kind.usualVirtualStages
        }
        return own
    }

    /// The order that one line is of.
    func order(_ options: RunOptions) throws(CommandError) -> Schedule {
        let order = try options.order().replicated(options.replicas)
        return options.forwardOnly ? order.forwardOnly() : order
    }

    // MARK: What it takes

    /// The simulation of one order.
    func simulate(_ options: RunOptions, _ file: CostsFile?) throws(CommandError) -> SimulatedRun {
        let schedule = try order(options)
        if let refusal = schedule.refusal { throw CommandError(code: .usage, message: "--schedule: \(refusal)") }
        let plan = times.areGiven ? nil : try plan(try configuration(options))
        let costs = try costs(schedule, plan, file)
        let settings = try settings(schedule, options)
        do throws(ScheduleError) {
            return try SimulatedRun(schedule, costs, plan: plan, settings)
        } catch {
            throw CommandError(code: .usage, message: "--schedule: \(schedule.name): \(error)")
        }
    }

    /// What an order's stages take, and hand-offs as they were asked for.
    func costs(_ schedule: Schedule, _ plan: RunPlan?, _ file: CostsFile?) throws(CommandError) -> StageCosts {
        var costs: StageCosts
        if let plan { costs = plan.stageCosts(try unitCosts(plan, file)) } else { costs = try stageCosts(schedule) }
        if let latency { costs.link = LinkCost(latency: latency, bytesPerSecond: costs.link.bytesPerSecond) }
        if let bandwidth { costs.link = LinkCost(latency: costs.link.latency, bytesPerSecond: bandwidth) }
        return costs
    }

    /// What is planned: nothing of it runs.
    func configuration(_ options: RunOptions) throws(CommandError) -> RunConfiguration {
        var configuration = try options.configuration()
        (configuration.keepsTimeline, configuration.pin) = (false, .none)
        return configuration
    }

    /// The run on paper, on a machine that has room for it.
    func plan(_ configuration: RunConfiguration) throws(CommandError) -> RunPlan {
        let cpus = configuration.schedule.ranks * configuration.threadsPerRank
        do throws(RunError) {
            return try RunPlan(configuration, on: Machine.imagined(cpus: cpus))
        } catch { throw error.commandError }
    }

    func unitCosts(_ plan: RunPlan, _ file: CostsFile?) throws(CommandError) -> Costs {
        if let flops { return plan.costs(flops: flops) }
        guard let file, let path = costs else { trap("costs' file that was not opened") }
        let workload = CostsWorkload(plan.configuration)
        if let difference = file.workload.difference(from: workload) {
            throw CommandError(
                code: .usage,
                message:
                    "--costs: \(path.visible) was measured with \(difference.flag) \(difference.own), and \(difference.other) is asked for here; "
                    + "ppthreads profile measures it so")
        }
        let name = plan.configuration.transport.name
        guard let costs = file.costs(transport: name) else {
            let known = file.links.map(\.transport).joined(separator: ", ")
            throw CommandError(
                code: .usage, message: "--transport: \(path.visible) has no hand-offs of \(name); it has \(known)")
        }
        return costs
    }

    private func stageCosts(_ schedule: Schedule) throws(CommandError) -> StageCosts {
        let count = schedule.stagesOfCopy
        func all<Value>(_ flag: String, _ list: [Value]?, _ standard: [Value]) throws(CommandError) -> [Value] {
            let list = list ?? standard
            if list.count == 1 { return Array(repeating: list[0], count: count) }
            if list.count == count { return list }
            throw CommandError(
                code: .usage,
                message:
                    "\(flag): has \(list.count) values for \(counted(count, "stage")); one for all or one for each is allowed"
            )
        }
        let forward = try all("--forward", times.forward, [0])
        let input = try all("--input-gradient", times.inputGradient, forward)
        let weights = try all("--weight-gradient", times.weightGradient, forward)
        let whole = try times.backward.map { given throws(CommandError) in try all("--backward", given, [0]) }
        return StageCosts(
            stages: (0..<count).map { stage in
                ChunkCosts(
                    forward: forward[stage], inputGradient: input[stage], weightGradient: weights[stage],
                    wholeBackward: whole?[stage])
            }, packing: try all("--packing", times.packing, [0]), updates: try all("--update", times.update, [0]),
            link: LinkCost(latency: 0), itemBytes: try all("--item-bytes", times.itemBytes, [0]))
    }

    func settings(_ schedule: Schedule, _ options: RunOptions) throws(CommandError) -> SimulationSettings {
        var settings = SimulationSettings()
        settings.circumstances.sharedLink = sharedLink
        settings.circumstances.transfersBlock = blocks
        let threads = times.areGiven ? 1 : options.threads
        if let cpus, cpus < schedule.ranks * threads {
            if threads > 1 {
                throw CommandError(
                    code: .usage,
                    message:
                        "--cpus: ranks of \(threads) threads on fewer CPUs than \(schedule.ranks * threads) are not simulated"
                )
            }
            settings.circumstances.cpuOfRank = (0..<schedule.ranks).map { $0 % cpus }
        }
        (settings.jitter, settings.seed) = (jitter, UInt64(run.seed))
        settings.steps = steps ?? (jitter > 0 ? 20 : 1)
        if let rank = slowRanks.keys.first(where: { $0 >= schedule.ranks }) {
            throw CommandError(code: .usage, message: "--slow-rank: there is no rank \(rank) among \(schedule.ranks)")
        }
        if let edge = slowEdges.keys.first(where: { $0 + 1 >= schedule.stagesOfCopy }) {
            throw CommandError(
                code: .usage,
                message: "--slow-edge: there is no stage \(edge + 1) among \(schedule.stagesOfCopy), which count from 0"
            )
        }
        (settings.slowRanks, settings.slowEdges) = (slowRanks, slowEdges)
        return settings
    }
}
