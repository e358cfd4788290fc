// SPDX-License-Identifier: Apache-2.0

/// What the rows of a schedule's file say, cell by cell.
struct FileRows {
    /// An instruction, and the cell it stands in.
    struct Entry {
        var instruction: Instruction
        /// Counts from 1, with the cells that are empty or left out.
        let column: Int
        /// Whether it is BW, the old grammar's whole backward.
        var isOldName = false
    }

    /// Where an instruction stands; both count from 0, and the index is among the row's entries.
    struct Position: Equatable {
        let row, index: Int
    }

    /// The most bytes, rows and instructions that are read.
    static let bytesMost = 1 << 28
    static let rowsMost = 1 << 12
    static let instructionsMost = 1 << 22

    /// Each rank's.
    private(set) var rows: [[Entry]] = []
    /// How many of each were left out.
    private(set) var collectives: [CellText.Collective: Int] = [:]
    /// How many cells have actions that are to be done at once.
    private(set) var overlaps = 0
    /// How many cells are empty.
    private(set) var emptyCells = 0

    private var instructions = 0

    /// - Complexity: O(bytes).
    init(_ bytes: [UInt8]) throws(ScheduleFileError) {
        if bytes.count > Self.bytesMost { throw ScheduleFileError(.tooMany("\(Self.bytesMost) bytes")) }
        var firstIsEmpty = false
        try FileCells.read(bytes) { (row, column, text) throws(ScheduleFileError) in
            if column == 1 { firstIsEmpty = text.isEmpty }
            // Blank lines at the end are no rows, so one in the middle is known by what follows.
            if column == 1 && text.isEmpty { return }
            if row > Self.rowsMost { throw ScheduleFileError(.tooMany("\(Self.rowsMost) rows"), row: row) }
            while rows.count < row { rows.append([]) }
            if column == 2 && firstIsEmpty { emptyCells += 1 }
            if text.isEmpty {
                emptyCells += 1
                return
            }
            do throws(ScheduleFileError.Fault) {
                try take(try CellText(text), column)
            } catch {
                throw ScheduleFileError(error, row: row, column: column)
            }
        }
    }

    /// Takes instructions as they are, a column each.
    init(_ instructions: [[Instruction]]) {
        rows = instructions.map { list in
            list.enumerated().map { Entry(instruction: $1, column: $0 + 1) }
        }
    }

    private mutating func take(_ cell: CellText, _ column: Int) throws(ScheduleFileError.Fault) {
        switch cell {
        case .word(let word): append([word], column)
        case .overlap(let words):
            append(words, column)
            overlaps += 1
        case .collective(let collective): collectives[collective, default: 0] += 1
        }
        if instructions > Self.instructionsMost { throw .tooMany("\(Self.instructionsMost) instructions") }
    }

    private mutating func append(_ words: [CellText.Word], _ column: Int) {
        for word in words {
            let entry = Entry(instruction: word.instruction, column: column, isOldName: word.isOldName)
            rows[rows.count - 1].append(entry)
        }
        instructions += words.count
    }

    /// Whether anything is sent, received or done together.
    var hasCommunication: Bool {
        !collectives.isEmpty
            || rows.contains { row in
                row.contains { if case .transfer = $0.instruction { true } else { false } }
            }
    }
}

extension [[FileRows.Entry]] {
    subscript(_ position: FileRows.Position) -> FileRows.Entry { self[position.row][position.index] }

    /// Row by row, each from its beginning.
    func forEachEntry(
        _ body: (FileRows.Entry, FileRows.Position) throws(ScheduleFileError) -> Void
    ) throws(ScheduleFileError) {
        for (row, list) in enumerated() {
            for (index, entry) in list.enumerated() { try body(entry, FileRows.Position(row: row, index: index)) }
        }
    }

    func error(_ fault: ScheduleFileError.Fault, at position: FileRows.Position) -> ScheduleFileError {
        ScheduleFileError(fault, row: position.row + 1, column: self[position].column)
    }
}

extension FileRows {
    /// Reads an old file's B as I and its BW as B.
    ///
    /// An old file is one with BW, or one that has W but no I: today's W always follows an I.
    /// - Returns: what is to be said of it, or nil when it is none.
    mutating func translateOldGrammar() throws(ScheduleFileError) -> String? {
        var kinds: Set<Action.Kind> = []
        var oldName: ScheduleFileError?
        try rows.forEachEntry { (entry, position) throws(ScheduleFileError) in
            guard case .action(let action) = entry.instruction else { return }
            if !entry.isOldName { kinds.insert(action.kind) }
            if entry.isOldName && oldName == nil {
                oldName = rows.error(.mixedGrammar("\(action.stage)BW\(action.microbatch)"), at: position)
            }
        }
        let hasInput = kinds.contains(.backwardInput)
        if let oldName, hasInput { throw oldName }
        guard oldName != nil || !hasInput && kinds.isSuperset(of: [.backward, .backwardWeights]) else { return nil }
        for row in rows.indices {
            for index in rows[row].indices where !rows[row][index].isOldName {
                rows[row][index].instruction = rows[row][index].instruction.backwardAsInput
            }
        }
        return "old grammar: B is read as I" + (oldName == nil ? "" : " and BW as B")
    }
}

extension Instruction {
    /// Itself, or of B the I.
    fileprivate var backwardAsInput: Instruction {
        guard case .action(let action) = self, action.kind == .backward else { return self }
        return .action(Action(.backwardInput, stage: action.stage, microbatch: action.microbatch))
    }
}
