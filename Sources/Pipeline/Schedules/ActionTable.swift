// SPDX-License-Identifier: Apache-2.0

/// Where each action of a schedule stands in its rank's list, by stage and microbatch: a table instead of sets and
/// dictionaries of actions, so that whatever reads an order is linear in its actions.
struct ActionTable {
    /// What a stage does with a microbatch, in the order in which it does: a whole backward is both of the last two.
    enum Step: Int { case forward, inputGradient, end }

    /// - Parameter positions: for each stage, microbatch and step its index in the list of the stage's rank; -1 for none.
    private let positions: [Int32]
    private let microbatches: Int

    /// - Throws: `ScheduleError` where an action stands on another rank than its stage's, twice, or not at all. Any numbers
    ///   are allowed in sizes and actions: the table is never larger than the actions there are, plus one.
    init(_ schedule: Schedule) throws(ScheduleError) {
        microbatches = schedule.microbatches
        let count = schedule.actions.reduce(0) { $0 + $1.count }
        let (product, overflow) = schedule.stages.multipliedReportingOverflow(by: microbatches)
        // With more cells than actions one of the first, which the table has, is empty; then the others do not matter.
        let cells = overflow ? count + 1 : min(product, count + 1)
        var positions = [Int32](repeating: -1, count: 3 * cells)
        for (rank, list) in schedule.actions.enumerated() {
            for (index, action) in list.enumerated() {
                try Self.check(action, rank, schedule)
                let (before, isFar) = action.stage.multipliedReportingOverflow(by: microbatches)
                let cell = isFar ? cells : min(before, cells) + min(action.microbatch, cells)
                if cell >= cells { continue }
                for step in action.kind.steps {
                    if positions[3 * cell + step.rawValue] >= 0 {
                        // A part of what was whole, or the whole of what came apart, is the whole twice.
                        let (gradient, end) = (positions[3 * cell + 1], positions[3 * cell + 2])
                        let isWhole = step != .forward && gradient == end
                        throw .repeated(
                            isWhole
                                ? Action(.backward, stage: action.stage, microbatch: action.microbatch) : action)
                    }
                    positions[3 * cell + step.rawValue] = Int32(index)
                }
            }
        }
        self.positions = positions
        try checkComplete(schedule, cells)
    }

    private static func check(_ action: Action, _ rank: Int, _ schedule: Schedule) throws(ScheduleError) {
        let isKnown =
            (0..<schedule.stages).contains(action.stage) && (0..<schedule.microbatches).contains(action.microbatch)
        if !isKnown || schedule.rankOfStage[action.stage] != rank { throw .misplaced(action, rank: rank) }
    }

    private func checkComplete(_ schedule: Schedule, _ cells: Int) throws(ScheduleError) {
        for cell in 0..<cells {
            func missing(_ kind: Action.Kind) -> ScheduleError {
                .missing(Action(kind, stage: cell / microbatches, microbatch: cell % microbatches))
            }
            let (forward, gradient, end) = (positions[3 * cell], positions[3 * cell + 1], positions[3 * cell + 2])
            if forward < 0 { throw missing(.forward) }
            if schedule.isForwardOnly { continue }
            if gradient < 0 { throw missing(end < 0 ? .backward : .backwardInput) }
            if end < 0 { throw missing(.backwardWeights) }
        }
    }

    /// The index of what a stage does with a microbatch in its rank's list; -1 of a backward where there is none.
    @inline(__always)
    func index(_ step: Step, _ stage: Int, _ microbatch: Int) -> Int {
        Int(positions[3 * (stage * microbatches + microbatch) + step.rawValue])
    }
}

extension Action.Kind {
    /// What of a microbatch at a stage it does.
    fileprivate var steps: [ActionTable.Step] {
        switch self {
        case .forward: [.forward]
        case .backward: [.inputGradient, .end]
        case .backwardInput: [.inputGradient]
        case .backwardWeights: [.end]
        }
    }
}
