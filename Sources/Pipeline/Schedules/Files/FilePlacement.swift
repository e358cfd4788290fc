/// Which row has which stage, and where each instruction stands: what a file says by the rows alone.
struct FilePlacement {
    private(set) var positions: [Instruction: FileOrder.Position] = [:]
    /// How many there are up to the last one that is named.
    private(set) var microbatches = 0
    private var rowOfStage: [Int: Int] = [:]

    /// - Throws: for what stands twice, and an action whose stage is another row's.
    mutating func take(
        _ entry: FileRows.Entry, at position: FileOrder.Position, _ rows: [[FileRows.Entry]]
    ) throws(ScheduleFileError) {
        func error(_ fault: ScheduleFileError.Fault) -> ScheduleFileError {
            ScheduleFileError(fault, row: position.row + 1, column: entry.column)
        }
        if case .action(let action) = entry.instruction {
            let row = rowOfStage[action.stage, default: position.row]
            if row != position.row { throw error(.onTwoRows(stage: action.stage, other: row + 1)) }
            rowOfStage[action.stage] = row
            microbatches = max(microbatches, action.microbatch + 1)
            if let other = otherForm(of: action) {
                throw error(.wholeAndPart(action, column: rows[other.row][other.index].column))
            }
        }
        if let other = positions.updateValue(position, forKey: entry.instruction) {
            // A transfer of a stage that is another row's, where it belongs.
            if other.row != position.row {
                throw error(.onTwoRows(stage: entry.instruction.stage, other: other.row + 1))
            }
            throw error(.repeated(entry.instruction, column: rows[other.row][other.index].column))
        }
    }

    /// Of a whole backward a part of it, of a part the whole, if it was taken.
    private func otherForm(of action: Action) -> FileOrder.Position? {
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
        let last = rowOfStage.keys.max() ?? -1
        var ranks: [Int] = []
        while ranks.count < rowOfStage.count {
            guard let rank = rowOfStage[ranks.count] else { throw ScheduleFileError(.noStage(ranks.count, last: last)) }
            ranks.append(rank)
        }
        return ranks
    }
}
