// SPDX-License-Identifier: Apache-2.0

/// The cells of comma-separated text.
struct FileCells {
    /// What a cell's quotes have come to.
    private enum Quote { case none, open, closed }

    private var row = 1
    private var column = 1
    private var text: [UInt8] = []
    private var quote = Quote.none

    /// Calls `cell` with each cell in the order of the text: its row and column, from 1, and what it says without the
    /// spaces around it. A blank line has one cell, which is empty; what the last line's end leaves is none.
    ///
    /// Lines end in CR LF, LF or CR. A cell in double quotes may have commas, line ends and doubled quotes.
    /// - Complexity: O(bytes).
    static func read(
        _ bytes: [UInt8], cell: (_ row: Int, _ column: Int, _ text: ArraySlice<UInt8>) throws(ScheduleFileError) -> Void
    ) throws(ScheduleFileError) {
        var reader = FileCells()
        var before: UInt8 = 0
        for byte in bytes.dropFirst(bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0) {
            if try reader.take(byte, after: before) {
                try cell(reader.row, reader.column, reader.text[...].trimmed)
                reader.start(afterLine: byte != .comma)
            }
            before = byte
        }
        if reader.quote == .open { throw reader.error(.openQuote) }
        if reader.column > 1 || !reader.text.isEmpty { try cell(reader.row, reader.column, reader.text[...].trimmed) }
    }

    private func error(_ fault: ScheduleFileError.Fault) -> ScheduleFileError {
        ScheduleFileError(fault, row: row, column: column)
    }

    /// - Returns: whether the byte ends the cell.
    private mutating func take(_ byte: UInt8, after before: UInt8) throws(ScheduleFileError) -> Bool {
        if byte == 0 { throw error(.noText) }
        if byte == .quote {
            takeQuote()
        } else if quote == .open {
            text.append(byte)
        } else if byte == .lineFeed && before == .carriageReturn {
            // The rest of a line end.
        } else if byte == .comma || byte == .lineFeed || byte == .carriageReturn {
            return true
        } else {
            text.append(byte)
        }
        return false
    }

    private mutating func takeQuote() {
        switch quote {
        case .open: quote = .closed
        case .none where text[...].trimmed.isEmpty: (quote, text) = (.open, [])
        case .none: text.append(.quote)
        case .closed:
            // The second of two, which stand for one.
            text.append(.quote)
            quote = .open
        }
    }

    private mutating func start(afterLine isNewLine: Bool) {
        (row, column) = isNewLine ? (row + 1, 1) : (row, column + 1)
        text.removeAll(keepingCapacity: true)
        quote = .none
    }
}

extension UInt8 {
    fileprivate static let quote = UInt8(ascii: "\"")
    fileprivate static let comma = UInt8(ascii: ",")
    fileprivate static let lineFeed = UInt8(ascii: "\n")
    fileprivate static let carriageReturn = UInt8(ascii: "\r")

    fileprivate var isSpace: Bool { self == UInt8(ascii: " ") || (9...13).contains(self) }
}

extension ArraySlice<UInt8> {
    /// Without spaces, tabs and line ends around it.
    var trimmed: ArraySlice<UInt8> {
        let text = drop(while: \.isSpace)
        return text[..<(text.lastIndex { !$0.isSpace }.map { $0 + 1 } ?? text.startIndex)]
    }
}
