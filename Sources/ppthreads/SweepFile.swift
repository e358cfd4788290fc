import Pipeline

/// The CSV file of a sweep: one header, then a row for each run that has ended, on the disk before the next one starts. It
/// may hold rows of other sweeps. As long as this exists, no other sweep can write to the file.
struct SweepFile {
    private let path: String
    private let file: GrowingFile
    /// How each run that is there ended.
    private var endings: [[String]: RunEnding] = [:]

    /// Opens a file or makes it, and cuts off the half row that a killed sweep may have left at its end.
    ///
    /// - Throws: `CommandError` with code 65 when the file is something else, which is then left as it is, and with code 70
    ///   when another sweep is writing to it.
    init(path: String) throws(CommandError) {
        self.path = path
        file = try readingData { () throws(DataError) in try GrowingFile(path: path) }
        if let process = try readingData({ () throws(DataError) in try file.lock() }) {
            throw CommandError(code: .failed, message: "\(path): another sweep (process \(process)) is writing to it")
        }
        endings = try readingData { () throws(DataError) in try readRows() }
    }

    func contains(_ run: RunCSV) -> Bool { ending(of: run) != nil }
    /// How a run that is there ended.
    func ending(of run: RunCSV) -> RunEnding? { endings[run.identity] }

    /// Adds a run that has ended.
    /// - Throws: `CommandError` with code 70 when somebody else has removed, replaced or changed the file, which would make
    ///   the row one that nobody finds, and with 65 when it cannot be written.
    mutating func append(_ run: RunCSV) throws(CommandError) {
        do throws(DataError) { try file.checkUnchanged() } catch {
            throw CommandError(code: .failed, message: error.description)
        }
        try readingData { () throws(DataError) in try file.append(run.row + "\n") }
        endings[run.identity] = RunEnding(ofRow: run.rowValues)
    }

    private static let headerBytesMost = 1 << 16

    private func readRows() throws(DataError) -> [[String]: RunEnding] {
        let bytes = try file.bytes(memoryPerByte: 7)
        // The first line alone, before memory is taken for what may be no results at all.
        let end = bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
        if end > Self.headerBytesMost {
            throw DataError(path: path, reason: "is no file of this version's results: its first line has \(end) bytes")
        }
        if let header = CSVText.records(Array(bytes[..<end])).first { try checkHeader(header, in: bytes) }
        var records = CSVText.records(bytes)
        let half = records.last.flatMap { isHalf($0, in: bytes) ? $0.range : nil }
        if half != nil { records.removeLast() }
        let endings = try endings(of: records.dropFirst(), in: bytes)
        // A run whose figures nobody can read is none that has been measured.
        if records.count > 1 {
            try Results.check(bytes.span.extracting(first: records.last!.range.upperBound), of: path)
        }
        if let half {
            Terminal.error("ppthreads sweep: \(path): half a row at its end was cut off")
            try file.truncate(to: half.lowerBound)
        }
        if records.isEmpty {
            try file.append(RunCSV.header + "\n")
        } else if half == nil && bytes.last != UInt8(ascii: "\n") {
            try file.append("\n")
        }
        return endings
    }

    /// Whether the last record is what a sweep has left that was killed while it wrote: our rows hold no end of a line. One that
    /// lacks nothing but that has lost it to an editor.
    private func isHalf(_ last: CSVText.Record, in bytes: [UInt8]) -> Bool {
        let line = bytes[last.range]
        if last.hasOpenQuote { return !line.dropLast().contains(UInt8(ascii: "\n")) }
        if line.last == UInt8(ascii: "\n") { return false }
        return last.values != RunCSV.names && !RunCSV.isWhole(last.values)
    }

    private func checkHeader(_ header: CSVText.Record, in bytes: [UInt8]) throws(DataError) {
        let names = header.values
        if names == RunCSV.names { return }
        // One without the end of its line is what a sweep has left that was killed there.
        let line = bytes[header.range]
        if line.last != UInt8(ascii: "\n") && RunCSV.header.utf8.starts(with: line) { return }
        if let form = CSVText.otherForm(header: line.span) { throw DataError(path: path, reason: form) }
        if let lacking = RunCSV.columnsLacking(inOlderHeader: names) {
            throw DataError(
                path: path,
                reason: "is of an older format, which does not tell \(lacking.joined(separator: ", ")) of its runs; "
                    + "give another file with --out (analyze reads both)")
        }
        let place = zip(names, RunCSV.names).enumerated().first { $0.1.0 != $0.1.1 }?.offset ?? names.count
        let difference =
            if place >= RunCSV.names.count {
                "its header has columns after '\(RunCSV.names.last!)'"
            } else if place >= names.count {
                "its header has no column '\(RunCSV.names[place])'"
            } else {
                "its column \(place + 1) is '\(names[place].prefix(40))', not '\(RunCSV.names[place])'"
            }
        throw DataError(path: path, reason: "is no file of this version's results: \(difference)")
    }

    private func endings(
        of rows: ArraySlice<CSVText.Record>, in bytes: [UInt8]
    ) throws(DataError) -> [[String]: RunEnding] {
        var endings: [[String]: RunEnding] = [:]
        for row in rows {
            guard !row.hasOpenQuote, row.values.count == RunCSV.names.count else {
                let size =
                    row.hasOpenQuote
                    ? "a quote without its twin" : "\(row.values.count) values, not \(RunCSV.names.count)"
                let line = bytes[..<row.range.lowerBound].count { $0 == UInt8(ascii: "\n") } + 1
                throw DataError(path: path, reason: "line \(line) has \(size)")
            }
            endings[RunCSV.identity(ofRow: row.values)] = RunEnding(ofRow: row.values)
        }
        return endings
    }
}
