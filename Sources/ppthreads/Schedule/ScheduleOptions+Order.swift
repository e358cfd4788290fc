// SPDX-License-Identifier: Apache-2.0

import Pipeline

extension ScheduleOptions {
    /// What an order is to be made for, as `run` has it but for models: those are two stages a rank where a choice is left.
    ///
    /// - Throws: code 64 for sizes that are lists or do not fit the order, 65 for a file that is none.
    func order(_ name: ScheduleName) throws(CommandError) -> (Schedule, notes: [String]) {
        let stages = try single("--stages", stages)
        let microbatches = try single("--microbatches", microbatches)
        let virtualStages = try single("--virtual-stages", virtualStages)
        var run = RunOptions().under(name)
        try run.open([name])
        (run.stagesAskedFor, run.microbatchesAskedFor, run.groupSize, run.waves) = (
            stages, microbatches, groupSize, waves
        )
        run.virtualStages = virtualStages
        if case .kind(let kind) = name {
            run.stagesAskedFor = stages ?? 4
            run.microbatchesAskedFor = microbatches ?? 8
            if waves == nil { run.virtualStages = virtualStages ?? kind.usualVirtualStages }
        }
        return (try run.order().replicated(replicas), run.scheduleFile?.notes ?? [])
    }

    private func single(_ flag: String, _ list: [Int]?) throws(CommandError) -> Int? {
        guard let list, list.count > 1 else { return list?.first }
        let isOfFile =
            html == nil ? "one order of one size is drawn; --html FILE makes a page of several" : "a file has one"
        throw CommandError(code: .usage, message: "\(flag): \(isOfFile)")
    }

    /// Checks that nothing is asked for that a page of all orders does not have.
    func checkFitPage() throws(CommandError) {
        let others = [
            ("--csv", csv != nil), ("--comms", communication != nil), ("--svg", svg != nil), ("--json", json),
            ("--group-size", groupSize != nil), ("--waves", waves != nil), ("--replicas", replicas > 1),
            ("--forward-only", isForwardOnly),
        ]
        for (flag, isGiven) in others where isGiven {
            throw CommandError(
                code: .usage, message: "\(flag): is of one order's drawing, and --html writes all orders' page")
        }
    }
}
