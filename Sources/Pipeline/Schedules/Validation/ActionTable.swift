// SPDX-License-Identifier: Apache-2.0

/// Where each action of a schedule stands in its rank's list, by stage and microbatch: a table instead of sets and
/// dictionaries of actions, so that whatever reads an order is linear in its actions. Since a microbatch goes through one copy of
/// the stages, the table is no larger with several.
struct ActionTable {
    /// What a stage does with a microbatch, in the order in which it does: a whole backward is both of the last two.
    enum Step: Int { case forward, inputGradient, end }

    /// For each of the model's stages, microbatch and step the index in the list of the rank that does it; -1 for none.
    private let positions: [Int32]
    /// Which copy each microbatch goes through.
    let copies: MicrobatchCopies
    private let schedule: Schedule

    /// - Throws: `ScheduleError` where an action stands on another rank than its stage's, twice, or not at all, and where a
    ///   microbatch is at stages of several copies. Any numbers are allowed in sizes and actions: the table is never larger than the
    ///   actions there are, plus one.
    init(_ schedule: Schedule) throws(ScheduleError) {
        let microbatches = schedule.microbatches
        let count = schedule.actions.reduce(0) { $0 + $1.count }
        let (product, overflow) = schedule.stagesOfCopy.multipliedReportingOverflow(by: microbatches)
        // With more cells than actions one of the first, which the table has, is empty; then the others do not matter.
        let cells = overflow ? count + 1 : min(product, count + 1)
        var positions = [Int32](repeating: -1, count: 3 * cells)
        var copies = MicrobatchCopies(schedule, microbatches: min(microbatches, cells))
        for (rank, list) in schedule.actions.enumerated() {
            for (index, action) in list.enumerated() {
                try Self.check(action, rank, schedule)
                let (before, isFar) = schedule.modelStage(action.stage).multipliedReportingOverflow(by: microbatches)
                let cell = isFar ? cells : min(before, cells) + min(action.microbatch, cells)
                if cell >= cells { continue }
                try copies.take(action)
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
        self.copies = copies
        self.schedule = schedule
        try checkComplete(cells)
        try copies.checkNoneIsEmpty()
    }

    /// For each kind of microbatches, one of them and how many there are: those of one copy whose backwards come apart at the same stages.
    /// - Complexity: O(actions).
    var alike: [(microbatch: Int, count: Int)] {
        var groups: [(microbatch: Int, count: Int)] = []
        var indexOfKind: [[UInt64]: Int] = [:]
        for microbatch in 0..<schedule.microbatches {
            let copy = copies[microbatch] ?? 0
            var kind = [UInt64(copy)] + [UInt64](repeating: 0, count: (schedule.stagesOfCopy + 63) / 64)
            for (number, stage) in schedule.stages(ofCopy: copy).enumerated()
            where index(.inputGradient, stage, microbatch) != index(.end, stage, microbatch) {
                kind[1 + number / 64] |= 1 << UInt64(number % 64)
            }
            if let known = indexOfKind[kind] {
                groups[known].count += 1
            } else {
                indexOfKind[kind] = groups.count
                groups.append((microbatch, 1))
            }
        }
        return groups
    }

    private static func check(_ action: Action, _ rank: Int, _ schedule: Schedule) throws(ScheduleError) {
        let isKnown =
            (0..<schedule.stages).contains(action.stage) && (0..<schedule.microbatches).contains(action.microbatch)
        if !isKnown || schedule.rankOfStage[action.stage] != rank { throw .misplaced(action, rank: rank) }
    }

    private func checkComplete(_ cells: Int) throws(ScheduleError) {
        for cell in 0..<cells {
            func missing(_ kind: Action.Kind) -> ScheduleError {
                let (stage, microbatch) = cell.quotientAndRemainder(dividingBy: schedule.microbatches)
                guard let copy = copies[microbatch] else { return .noCopy(microbatch: microbatch) }
                return .missing(Action(kind, stage: copy * schedule.stagesOfCopy + stage, microbatch: microbatch))
            }
            let (forward, gradient, end) = (positions[3 * cell], positions[3 * cell + 1], positions[3 * cell + 2])
            if forward < 0 { throw missing(.forward) }
            if schedule.isForwardOnly { continue }
            if gradient < 0 { throw missing(end < 0 ? .backward : .backwardInput) }
            if end < 0 { throw missing(.backwardWeights) }
        }
    }

    /// The index of what a stage does with a microbatch in its rank's list; -1 of a backward where there is none. The stage is of the
    /// microbatch's copy.
    @inline(__always)
    func index(_ step: Step, _ stage: Int, _ microbatch: Int) -> Int {
        Int(positions[3 * cell(stage, microbatch) + step.rawValue])
    }

    /// The index of a stage and microbatch of one copy in lists that have an element for each such pair (`cellCount`).
    @inline(__always)
    func cell(_ stage: Int, _ microbatch: Int) -> Int {
        schedule.modelStage(stage) * schedule.microbatches + microbatch
    }

    /// How many pairs of a stage and a microbatch of its copy there are.
    var cellCount: Int { positions.count / 3 }
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
