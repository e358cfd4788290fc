// SPDX-License-Identifier: Apache-2.0

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
            let virtualStages = try stagesOfRank(kind)
            func made(groupsOf groupSize: Int?) -> Schedule {
                kind.make(
                    ScheduleSizes(
                        ranks: stages, virtualStages: virtualStages, microbatches: microbatches, groupSize: groupSize))
            }
            let order = made(groupsOf: groupSize)
            // Where other groups would make one, it is the flag that has to change.
            if groupSize != nil, let refusal = order.refusal, made(groupsOf: nil).refusal == nil {
                throw CommandError(code: .usage, message: "--group-size: \(refusal)")
            }
            return order
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
                    message:
                        "--waves: \(counted(waves, "wave")) \(waves == 1 ? "makes" : "make") \(2 * waves) stages a rank, and --virtual-stages "
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

    /// Gives named schedules the sizes of a file among these, where nobody asked for others.
    ///
    /// - Throws: code 64 for files that are no orders of one P and M, which is what can be compared, or that train nothing.
    mutating func takeSizes(of names: [ScheduleName]) throws(CommandError) {
        let orders = names.paths.compactMap { scheduleFiles[$0]?.schedule }
        try orders.checkTrain()
        try orders.checkNames()
        if let first = orders.first {
            for other in orders where (other.ranks, other.microbatches) != (first.ranks, first.microbatches) {
                throw CommandError(
                    code: .usage,
                    message:
                        "--schedule: \(first.name) is of P=\(first.ranks) and M=\(first.microbatches), \(other.name) of "
                        + "P=\(other.ranks) and M=\(other.microbatches); what is compared has one P and M")
            }
        }
        stagesAskedFor = stagesAskedFor ?? orders.first?.ranks
        microbatchesAskedFor = microbatchesAskedFor ?? orders.first?.microbatches
    }

    /// Refuses flags that none of these schedules has a use for; `under` leaves them out of the others.
    func checkFlags(areFor names: [ScheduleName]) throws(CommandError) {
        let kinds = names.compactMap { if case .kind(let kind) = $0 { kind } else { nil } }
        func check(_ flag: String, _ value: Int?, _ fits: (ScheduleKind) -> Bool) throws(CommandError) {
            guard value != nil, !kinds.contains(where: fits) else { return }
            let others = ScheduleKind.allCases.filter(fits).map(\.rawValue).joined(separator: ", ")
            throw CommandError(code: .usage, message: "\(flag): is for none of the schedules; it is for \(others)")
        }
        try check("--group-size", groupSize) { $0.takesGroupSize }
        try check("--waves", waves) { $0.stagesOfRank == .even }
        let isOfFile = names.paths.contains { scheduleFiles[$0]?.schedule.virtualStages == virtualStages }
        if !isOfFile { try check("--virtual-stages", virtualStages) { $0.allows(virtualStages: virtualStages!) } }
    }

    /// What is to be said of the files among these schedules: sentences without their ends.
    func notes(of names: [ScheduleName]) -> [String] {
        names.paths.compactMap { scheduleFiles[$0] }.flatMap { file in
            let purpose = file.schedule.isForwardOnly ? ["has forwards alone, so that nothing is trained"] : []
            return (file.notes + purpose).map { "\(file.schedule.name): \($0)" }
        }
    }
}

extension [Schedule] {
    /// Refuses one that evaluates where training is compared.
    func checkTrain() throws(CommandError) {
        guard let order = first(where: \.isForwardOnly) else { return }
        throw CommandError(
            code: .usage,
            message: "--schedule: \(order.name) has forwards alone, which train nothing; run evaluates by it")
    }

    /// Refuses those that rows of several schedules would not tell apart.
    func checkNames() throws(CommandError) {
        let named = ScheduleKind.allCases.flatMap { [$0.rawValue, $0.title] }
        for (index, order) in enumerated() {
            let isTwice = self[..<index].contains { $0.name == order.name }
            if !isTwice && !named.contains(order.name) { continue }
            let what = isTwice ? "two files are" : "a file is, as a named schedule is,"
            throw CommandError(
                code: .usage, message: "--schedule: \(what) called \(order.name), and rows are told apart by names")
        }
    }
}
