// SPDX-License-Identifier: Apache-2.0

/// Which row has which stage, and where each instruction stands: what a file says by the rows alone.
struct FilePlacement {
    private(set) var positions: [Instruction: FileRows.Position] = [:]
    /// How many there are up to the last one that is named.
    private(set) var microbatches = 0
    /// Each stage's first action.
    private var firstOfStage: [Int: FileRows.Position] = [:]

    private let rows: [[FileRows.Entry]]

    /// - Throws: for what stands twice, and stages of several rows.
    init(_ rows: [[FileRows.Entry]]) throws(ScheduleFileError) {
        self.rows = rows
        try rows.forEachEntry { (entry, position) throws(ScheduleFileError) in
            if case .action(let action) = entry.instruction { try take(action, at: position) }
        }
        try rows.forEachEntry { (entry, position) throws(ScheduleFileError) in
            if case .transfer(let transfer) = entry.instruction { try take(transfer, at: position) }
        }
    }

    private mutating func take(_ action: Action, at position: FileRows.Position) throws(ScheduleFileError) {
        try check(action.stage, at: position)
        if firstOfStage[action.stage] == nil { firstOfStage[action.stage] = position }
        microbatches = max(microbatches, action.microbatch + 1)
        if let other = otherForm(of: action) {
            throw rows.error(.wholeAndPart(action, column: rows[other].column), at: position)
        }
        try note(.action(action), at: position)
    }

    /// After all actions, by which each stage is known to be a row's.
    private mutating func take(_ transfer: Transfer, at position: FileRows.Position) throws(ScheduleFileError) {
        try check(transfer.stage, at: position)
        try note(.transfer(transfer), at: position)
    }

    private func check(_ stage: Int, at position: FileRows.Position) throws(ScheduleFileError) {
        guard let first = firstOfStage[stage], first.row != position.row else { return }
        throw rows.error(.onTwoRows(stage: stage, other: first.row + 1), at: position)
    }

    private mutating func note(
        _ instruction: Instruction, at position: FileRows.Position
    ) throws(ScheduleFileError) {
        guard let other = positions.updateValue(position, forKey: instruction) else { return }
        throw rows.error(.repeated(instruction, column: rows[other].column), at: position)
    }

    /// Of a whole backward a part of it, of a part the whole, if it was taken.
    private func otherForm(of action: Action) -> FileRows.Position? {
        let others: [Action.Kind] =
            switch action.kind {
            case .forward: []
            case .backward: [.backwardInput, .backwardWeights]
            case .backwardInput, .backwardWeights: [.backward]
            }
        return others.compactMap { kind in
            positions[.action(Action(kind, stage: action.stage, microbatch: action.microbatch))]
        }.first
    }

    /// For each stage up to the last one that is named its rank.
    func rankOfStage() throws(ScheduleFileError) -> [Int] {
        var ranks: [Int] = []
        while ranks.count < firstOfStage.count {
            guard let first = firstOfStage[ranks.count] else {
                let (last, position) = firstOfStage.max { $0.key < $1.key }!
                throw rows.error(.noStage(ranks.count, last: last), at: position)
            }
            ranks.append(first.row)
        }
        return ranks
    }
}
