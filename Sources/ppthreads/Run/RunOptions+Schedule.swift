import Pipeline
import Threads

extension RunOptions {
    /// The order that these options ask for.
    func order() throws(CommandError) -> Schedule {
        switch schedule {
        case .file:
            guard let file = scheduleFile else { trap("a schedule's file that was not opened") }
            try check(against: file.schedule)
            return file.schedule
        case .kind(let kind):
            return kind.make(
                ScheduleSizes(
                    ranks: stages, virtualStages: try stagesOfRank(kind), microbatches: microbatches,
                    groupSize: groupSize))
        }
    }

    /// v: what was asked for, else what the schedule must have, else one layer a stage, as the reference study has it.
    private func stagesOfRank(_ kind: ScheduleKind) throws(CommandError) -> Int {
        if let waves {
            if kind.stagesOfRank != .even {
                throw CommandError(code: .usage, message: "--waves: \(kind.rawValue) has none; hanayo has")
            }
            if let virtualStages, virtualStages != 2 * waves {
                throw CommandError(
                    code: .usage,
                    message: "--waves: \(counted(waves, "wave")) make \(2 * waves) stages a rank, and --virtual-stages "
                        + "asks for \(virtualStages)")
            }
            return 2 * waves
        }
        if let virtualStages {
            if kind.allows(virtualStages: virtualStages) { return virtualStages }
            let any = ScheduleKind.allCases.filter { $0.stagesOfRank == .any }.map(\.rawValue)
            let runs = "\(kind.stagesOfRank) stage\(kind.stagesOfRank == .exactly(1) ? "" : "s") a rank"
            throw CommandError(
                code: .usage,
                message: "--virtual-stages: \(kind.rawValue) runs \(runs), not \(virtualStages); any number: "
                    + any.joined(separator: ", "))
        }
        guard kind.stagesOfRank == .any else { return kind.usualVirtualStages }
        if model.layers % stages != 0 {
            throw CommandError(
                code: .usage,
                message: "--virtual-stages: \(counted(model.layers, "layer")) on \(counted(stages, "rank")) "
                    + "\(model.layers == 1 ? "does" : "do") not make whole stages of one layer each; give the number of "
                    + "stages a rank")
        }
        return model.layers / stages
    }

    /// Refuses flags that say something else than a file.
    private func check(against order: Schedule) throws(CommandError) {
        for (flag, asked, own) in [
            ("--stages", stagesAskedFor, order.ranks), ("--microbatches", microbatchesAskedFor, order.microbatches),
            ("--virtual-stages", virtualStages, order.virtualStages),
        ] {
            guard let asked, asked != own else { continue }
            throw CommandError(
                code: .usage, message: "\(flag): \(asked) is asked for, and \(order.name) has \(own); leave it out")
        }
        for (flag, value) in [("--group-size", groupSize), ("--waves", waves)] where value != nil {
            throw CommandError(
                code: .usage, message: "\(flag): an order that is read from a file is as it is; leave it out")
        }
    }

    /// The same run under another schedule; v, N and w are for the schedules that leave a choice.
    func under(_ name: ScheduleName) -> RunOptions {
        var options = self
        options.schedule = name
        guard case .kind(let kind) = name else {
            (options.virtualStages, options.groupSize, options.waves) = (nil, nil, nil)
            return options
        }
        if !kind.takesGroupSize { options.groupSize = nil }
        if kind.stagesOfRank != .even { options.waves = nil }
        switch kind.stagesOfRank {
        case .exactly: options.virtualStages = nil
        case .even: if options.waves != nil || (virtualStages ?? 0) % 2 != 0 { options.virtualStages = nil }
        case .any: break
        }
        return options
    }

    /// Reads the files of these schedules and partitions, once for all runs that copies of these options ask for.
    mutating func open(_ schedules: [ScheduleName], _ partitions: [PartitionName] = []) throws(CommandError) {
        scheduleFiles = try schedules.read()
        layoutFiles = try partitions.read()
    }

    /// Gives named schedules the sizes of a file among these, where nobody asked for others: what is compared has one P and M.
    mutating func takeSizes(of names: [ScheduleName]) {
        for order in names.paths.compactMap({ scheduleFiles[$0]?.schedule }) {
            stagesAskedFor = stagesAskedFor ?? order.ranks
            microbatchesAskedFor = microbatchesAskedFor ?? order.microbatches
        }
    }
}
