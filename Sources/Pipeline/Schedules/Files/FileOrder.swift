/// The rows of a file as an order, and the checks of its actions.
struct FileOrder {
    /// Where an instruction stands.
    struct Position: Equatable {
        /// Both count from 0; the index is among the row's entries.
        let row, index: Int
    }

    let rows: [[FileRows.Entry]]
    /// The actions alone.
    let schedule: Schedule
    private let positions: [Instruction: Position]

    /// Finds out which row has which stage.
    /// - Throws: for rows without an action, stages of several rows or none, and what stands twice.
    init(_ rows: [[FileRows.Entry]], name: String) throws(ScheduleFileError) {
        if rows.isEmpty { throw ScheduleFileError(.noRows) }
        var placement = FilePlacement()
        for (row, list) in rows.enumerated() {
            var isIdle = true
            for (index, entry) in list.enumerated() {
                try placement.take(entry, at: Position(row: row, index: index), rows)
                if case .action = entry.instruction { isIdle = false }
            }
            if isIdle { throw ScheduleFileError(.idle, row: row + 1) }
        }
        self.rows = rows
        positions = placement.positions
        schedule = Schedule(
            name: name, microbatches: placement.microbatches, rankOfStage: try placement.rankOfStage(),
            actions: rows.map { list in
                list.compactMap { if case .action(let action) = $0.instruction { action } else { nil } }
            })
    }

    func position(_ instruction: Instruction) -> Position? { positions[instruction] }
    func position(_ action: Action) -> Position? { positions[.action(action)] }

    func column(_ position: Position) -> Int { rows[position.row][position.index].column }

    func error(_ fault: ScheduleFileError.Fault, at position: Position) -> ScheduleFileError {
        ScheduleFileError(fault, row: position.row + 1, column: column(position))
    }

    /// Checks that each action is there, none stands before what it needs, links keep one order and nothing waits in a circle.
    /// - Complexity: O(actions).
    func checkActions() throws(ScheduleFileError) {
        for stage in 0..<schedule.stages {
            for microbatch in 0..<schedule.microbatches { try checkComplete(stage, microbatch) }
        }
        let order = ScheduleOrder(schedule)
        try forEachAction { (action, position) throws(ScheduleFileError) in
            for cause in order.causes(of: action) { try check(.action(action), position, needs: .action(cause)) }
        }
        try checkLinks()
        if let cycle = cycle({ order.causes(of: $0).compactMap { self.position($0) } }) {
            throw error(.deadlock(WaitCycle(cycle, rows)), at: cycle[0].waiting)
        }
    }

    /// Calls `body` with each action where it stands.
    func forEachAction(
        _ body: (Action, Position) throws(ScheduleFileError) -> Void
    ) throws(ScheduleFileError) {
        for (row, list) in rows.enumerated() {
            for (index, entry) in list.enumerated() {
                if case .action(let action) = entry.instruction {
                    try body(action, Position(row: row, index: index))
                }
            }
        }
    }

    /// Checks that what an instruction needs, if it is in the same row, comes before it there.
    func check(
        _ instruction: Instruction, _ position: Position, needs cause: Instruction
    ) throws(ScheduleFileError) {
        guard let earlier = positions[cause], earlier.row == position.row, earlier.index > position.index else {
            return
        }
        throw error(.tooEarly(instruction, needs: cause, column: column(earlier)), at: position)
    }

    private func checkComplete(_ stage: Int, _ microbatch: Int) throws(ScheduleFileError) {
        func found(_ kind: Action.Kind) -> Position? {
            position(Action(kind, stage: stage, microbatch: microbatch))
        }
        func check(_ kind: Action.Kind, neededBy users: [Action.Kind] = []) throws(ScheduleFileError) {
            if found(kind) != nil { return }
            let missing = Instruction.action(Action(kind, stage: stage, microbatch: microbatch))
            for position in users.compactMap(found) {
                throw error(.missing(missing, for: rows[position.row][position.index].instruction), at: position)
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
        let lists = schedule.actionsOfStages.map { $0.map(\.action) }
        for stage in lists.indices.dropLast() {
            let (upper, lower) = (lists[stage], lists[stage + 1])
            try checkLink(upper.filter { $0.kind == .forward }, lower.filter { $0.kind == .forward })
            try checkLink(lower.filter(\.kind.givesInputGradient), upper.filter(\.kind.givesInputGradient))
        }
    }

    private func checkLink(_ giving: [Action], _ taking: [Action]) throws(ScheduleFileError) {
        for (given, taken) in zip(giving, taking) where given.microbatch != taken.microbatch {
            if let position = position(taken) { throw error(.linkOrder(taken, given: given), at: position) }
        }
    }

    private func cycle(_ causes: (Action) -> [Position]) -> [Wait]? {
        let run = RowRun(rows.map(\.count)) { row, index in
            guard case .action(let action) = rows[row][index].instruction else { return [] }
            return causes(action).filter { $0.row != row }.map {
                RowRun.Need(row: $0.row, index: $0.index, isOver: true)
            }
        }
        return waits(run)
    }

    /// Where a rank stands still, and for what.
    struct Wait {
        let waiting, awaited: Position
    }

    /// Those of a run that came to no end; nil of one that did.
    func waits(_ run: RowRun) -> [Wait]? {
        run.cycle?.map { row, need in
            Wait(
                waiting: Position(row: row, index: run.next[row]), awaited: Position(row: need.row, index: need.index))
        }
    }
}

extension WaitCycle {
    init(_ waits: [FileOrder.Wait], _ rows: [[FileRows.Entry]]) {
        func instruction(_ position: FileOrder.Position) -> Instruction {
            rows[position.row][position.index].instruction
        }
        links = waits.map { Link(waiting: instruction($0.waiting), awaited: instruction($0.awaited)) }
    }
}
