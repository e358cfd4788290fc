// SPDX-License-Identifier: Apache-2.0

/// The rows of a file as an order, and the checks of its actions.
struct FileOrder {
    let rows: [[FileRows.Entry]]
    /// The actions alone.
    let schedule: Schedule
    private let positions: [Instruction: FileRows.Position]

    /// Finds out which row has which stage.
    /// - Throws: for rows without an action, stages of several rows or none, and what stands twice.
    init(_ rows: [[FileRows.Entry]], name: String) throws(ScheduleFileError) {
        if rows.isEmpty { throw ScheduleFileError(.noRows) }
        let actions = rows.map { list in
            list.compactMap { if case .action(let action) = $0.instruction { action } else { nil } }
        }
        if let idle = actions.firstIndex(where: \.isEmpty) { throw ScheduleFileError(.idle, row: idle + 1) }
        let placement = try FilePlacement(rows)
        self.rows = rows
        positions = placement.positions
        let rankOfStage = try placement.rankOfStage()
        schedule = Schedule(
            name: name, microbatches: placement.microbatches, rankOfStage: rankOfStage,
            copies: FileCopies.count(actions, stages: rankOfStage.count), actions: actions)
    }

    func position(_ instruction: Instruction) -> FileRows.Position? { positions[instruction] }
    func position(_ action: Action) -> FileRows.Position? { positions[.action(action)] }

    /// Checks that each action is there, none stands before what it needs, links keep one order and nothing waits in a
    /// circle.
    /// - Complexity: O(actions).
    func checkActions() throws(ScheduleFileError) {
        try checkComplete()
        let order: ScheduleOrder
        do throws(ScheduleError) { order = try ScheduleOrder(schedule) } catch {
            throw ScheduleFileError(.unsound(error))
        }
        try rows.forEachEntry { (entry, position) throws(ScheduleFileError) in
            guard case .action(let action) = entry.instruction else { return }
            for cause in order.causingActions(of: action) {
                try check(.action(action), position, needs: .action(cause))
            }
        }
        try checkLinks()
        let deadlock = rows.deadlock { instruction, row in
            guard case .action(let action) = instruction else { return [] }
            return order.causingActions(of: action).compactMap { self.position($0) }.filter { $0.row != row }.map {
                RowRun.Need(position: $0, isOver: true)
            }
        }
        if let deadlock { throw rows.error(.deadlock(deadlock.cycle), at: deadlock.start) }
    }

    /// Checks that what an instruction needs, if it is in the same row, comes before it there.
    func check(
        _ instruction: Instruction, _ position: FileRows.Position, needs cause: Instruction
    ) throws(ScheduleFileError) {
        guard let earlier = positions[cause], earlier.row == position.row, earlier.index > position.index else {
            return
        }
        throw rows.error(.tooEarly(instruction, needs: cause, column: rows[earlier].column), at: position)
    }

    private func checkComplete() throws(ScheduleFileError) {
        var copies: [Int: Int] = [:]
        if schedule.copies > 1 {
            for action in schedule.actions.joined() { copies[action.microbatch] = schedule.copy(ofStage: action.stage) }
        }
        for stage in 0..<schedule.stagesOfCopy {
            for microbatch in 0..<schedule.microbatches {
                guard let copy = schedule.copies == 1 ? 0 : copies[microbatch] else {
                    throw ScheduleFileError(.unsound(.noCopy(microbatch: microbatch)))
                }
                try checkComplete(copy * schedule.stagesOfCopy + stage, microbatch)
            }
        }
    }

    private func checkComplete(_ stage: Int, _ microbatch: Int) throws(ScheduleFileError) {
        func found(_ kind: Action.Kind) -> FileRows.Position? {
            position(Action(kind, stage: stage, microbatch: microbatch))
        }
        func check(_ kind: Action.Kind, neededBy users: [Action.Kind] = []) throws(ScheduleFileError) {
            if found(kind) != nil { return }
            let missing = Instruction.action(Action(kind, stage: stage, microbatch: microbatch))
            for position in users.compactMap(found) {
                throw rows.error(.missing(missing, for: rows[position].instruction), at: position)
            }
            throw ScheduleFileError(.missing(missing, for: nil), row: schedule.rankOfStage[stage] + 1)
        }
        try check(.forward, neededBy: [.backward, .backwardInput, .backwardWeights])
        if schedule.isForwardOnly { return }
        if found(.backwardInput) == nil && found(.backwardWeights) == nil {
            try check(.backward)
        } else {
            try check(.backwardInput, neededBy: [.backwardWeights])
            try check(.backwardWeights)
        }
    }

    private func checkLinks() throws(ScheduleFileError) {
        let stages = StageActions(schedule)
        func list(_ stage: Int) -> [Action] {
            stages.indices(stage).map { schedule.actions[schedule.rankOfStage[stage]][Int($0)] }
        }
        for stage in schedule.lowerEndsOfEdges {
            let (upper, lower) = (list(stage), list(stage + 1))
            try checkLink(upper.filter { $0.kind == .forward }, lower.filter { $0.kind == .forward })
            try checkLink(lower.filter(\.kind.givesInputGradient), upper.filter(\.kind.givesInputGradient))
        }
    }

    private func checkLink(_ giving: [Action], _ taking: [Action]) throws(ScheduleFileError) {
        for (given, taken) in zip(giving, taking) where given.microbatch != taken.microbatch {
            if let position = position(taken) { throw rows.error(.linkOrder(taken, given: given), at: position) }
        }
    }
}
