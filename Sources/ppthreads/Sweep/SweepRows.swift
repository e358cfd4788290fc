// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What a sweep's CSV file holds when the sweep starts.
struct SweepRows {
    /// This version's columns that the file does not have: it is of an older format then.
    let lacking: [String]
    /// Whether one of these is a setting, so that nobody knows which runs its rows are of.
    var lacksSettings: Bool {
        lacking.contains { name in
            ResultColumn.all.contains { $0.name == name && $0.isSetting && !$0.isEmptyUnlessAsked }
        }
    }
    /// Where the half row starts that a killed sweep has left; nil when there is none.
    let half: Int?
    /// Whether its last line, which is whole, has no end.
    let lacksLastEnd: Bool
    /// The columns that it has.
    private let names: [String]
    /// The header and the rows, without the half one.
    private let records: [CSVText.Record]

    /// What this takes at its peak, the file's bytes included.
    static let memoryPerByte = 7
    private static let headerBytesMost = 1 << 16

    /// - Throws: `DataError` when it is no file of a sweep, or has a row that nobody can read but for the last half one.
    init(_ bytes: [UInt8], of path: String) throws(DataError) {
        // The first line alone, before memory is taken for what may be no results at all.
        let end = bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
        if end > Self.headerBytesMost {
            throw DataError(path: path, reason: "is no file of this version's results: its first line has \(end) bytes")
        }
        let header = CSVText.records(Array(bytes[..<end])).first
        lacking = if let header { try Self.lacking(header, in: bytes, path) } else { [] }
        let names = lacking.isEmpty ? ResultRow.names : header!.values
        if !lacking.isEmpty && String(validating: bytes, as: UTF8.self) == nil {
            throw DataError(
                path: path,
                reason: "is of an older format, and cannot be given new columns: it has bytes that are not UTF-8")
        }
        var records = CSVText.records(bytes)
        half = records.last.flatMap { Self.isHalf($0, names, in: bytes) ? $0.range.lowerBound : nil }
        if half != nil { records.removeLast() }
        lacksLastEnd = half == nil && !records.isEmpty && bytes.last != UInt8(ascii: "\n")
        (self.names, self.records) = (names, records)
        try Self.check(records.dropFirst(), names, in: bytes, path)
        // A run whose figures nobody can read is none that has been measured.
        if records.count > 1 {
            try Results.check(bytes.span.extracting(first: records.last!.range.upperBound), of: path)
        }
    }

    /// Whether it has no header even.
    var isEmpty: Bool { records.isEmpty }

    /// How each run that is there ended; with this version's columns.
    var endings: [[String]: RunEnding] {
        records.dropFirst().reduce(into: [:]) { $0[ResultRow.identity(ofRow: $1.values)] = RunEnding(ofRow: $1.values) }
    }

    /// Its header and rows as lines with this version's columns; empty where the file does not tell.
    var lines: some Sequence<String> {
        let columns = ResultRow.names.map(names.firstIndex)
        return records.indices.lazy.map { number in
            if number == 0 { return ResultRow.header + "\n" }
            let values = records[number].values
            return columns.map { $0.map { CSVText.field(values[$0]) } ?? "" }.joined(separator: ",") + "\n"
        }
    }

    // MARK: Checks

    /// The columns that a header lacks; none when there is no more of it than a killed sweep has left.
    private static func lacking(
        _ header: CSVText.Record, in bytes: [UInt8], _ path: String
    ) throws(DataError) -> [String] {
        let names = header.values
        if names == ResultRow.names { return [] }
        let line = bytes[header.range]
        if line.last != UInt8(ascii: "\n") && ResultRow.header.utf8.starts(with: line) { return [] }
        if let form = CSVText.otherForm(header: line.span) { throw DataError(path: path, reason: form) }
        if let lacking = ResultRow.columnsLacking(inOlderHeader: names) { return lacking }
        let column = zip(names, ResultRow.names).enumerated().first { $0.1.0 != $0.1.1 }?.offset ?? names.count
        let difference =
            if column >= ResultRow.names.count {
                "its header has columns after '\(ResultRow.names.last!)'"
            } else if column >= names.count {
                "its header has no column '\(ResultRow.names[column])'"
            } else {
                "its column \(column + 1) is '\(names[column].prefix(40))', not '\(ResultRow.names[column])'"
            }
        throw DataError(path: path, reason: "is no file of this version's results: \(difference)")
    }

    /// Whether the last record is what a sweep has left that was killed while it wrote: our rows hold no end of a line. One that
    /// lacks nothing but that has lost it to an editor.
    private static func isHalf(_ last: CSVText.Record, _ names: [String], in bytes: [UInt8]) -> Bool {
        let line = bytes[last.range]
        if last.hasOpenQuote { return !line.dropLast().contains(UInt8(ascii: "\n")) }
        if line.last == UInt8(ascii: "\n") { return false }
        return last.values != names && !isWhole(last.values, names)
    }

    /// Whether these values, of a row that has no end of its line, are all that it had: each column's, and either a figure or
    /// why there is none.
    private static func isWhole(_ values: [String], _ names: [String]) -> Bool {
        guard values.count == names.count, let step = names.firstIndex(of: "avg_step_time_s") else { return false }
        return !values[step].isEmpty || !values[names.count - 1].isEmpty
    }

    private static func check(
        _ rows: ArraySlice<CSVText.Record>, _ names: [String], in bytes: [UInt8], _ path: String
    ) throws(DataError) {
        guard let row = rows.first(where: { $0.hasOpenQuote || $0.count != names.count }) else { return }
        let size = row.hasOpenQuote ? "a quote without its twin" : "\(row.count) values, not \(names.count)"
        let line = bytes[..<row.range.lowerBound].count { $0 == UInt8(ascii: "\n") } + 1
        throw DataError(path: path, reason: "line \(line) has \(size)")
    }
}
