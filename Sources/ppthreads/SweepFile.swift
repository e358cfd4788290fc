import Pipeline

/// The CSV file of a sweep: one header, then a row for each run that has ended, on the disk before the next one starts. It
/// may hold rows of other sweeps. As long as this exists, no other sweep can write to the file.
struct SweepFile {
    private let path: String
    private let file: GrowingFile
    /// For each run that is there, whether it failed.
    private var failures: [[String]: Bool] = [:]

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
        failures = try readingData { () throws(DataError) in try readRows() }
    }

    func contains(_ run: RunCSV) -> Bool { failures[run.identity] != nil }
    func holdsFailure(of run: RunCSV) -> Bool { failures[run.identity] == true }

    /// Adds a run that has ended.
    /// - Throws: `CommandError` with code 70 when somebody else has removed, replaced or changed the file, which would make
    ///   the row one that nobody finds, and with 65 when it cannot be written.
    mutating func append(_ run: RunCSV) throws(CommandError) {
        do throws(DataError) { try file.checkUnchanged() } catch {
            throw CommandError(code: .failed, message: error.description)
        }
        try readingData { () throws(DataError) in try file.append(run.row + "\n") }
        failures[run.identity] = !run.error.isEmpty
    }

    private func readRows() throws(DataError) -> [[String]: Bool] {
        let bytes = try file.bytes()
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var rest = lines.removeLast()
        try checkHeader(String(decoding: lines.first ?? rest, as: UTF8.self), isWhole: !lines.isEmpty)
        var rows = lines.dropFirst().map { CSVText.values(String(decoding: $0, as: UTF8.self)) }
        if let last = rows.last, (last?.count ?? 0) < RunCSV.names.count {
            rows.removeLast()
            rest = bytes[lines.last!.startIndex...]
        }
        let failures = try failures(of: rows)
        if !rest.isEmpty {
            Terminal.error("ppthreads sweep: \(path): half a row at its end was cut off")
            try file.truncate(to: rest.startIndex)
        }
        if lines.isEmpty { try file.append(RunCSV.header + "\n") }
        return failures
    }

    /// - Parameter isWhole: whether the line has an end; a header that does not is what a sweep left that was killed there.
    private func checkHeader(_ line: String, isWhole: Bool) throws(DataError) {
        if line == RunCSV.header || !isWhole && RunCSV.header.hasPrefix(line) { return }
        let names = CSVText.values(line) ?? [line]
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

    private func failures(of rows: [[String]?]) throws(DataError) -> [[String]: Bool] {
        var failures: [[String]: Bool] = [:]
        for (index, row) in rows.enumerated() {
            guard let row, row.count == RunCSV.names.count else {
                let size = row.map { "\($0.count) values, not \(RunCSV.names.count)" } ?? "a quote without its twin"
                throw DataError(path: path, reason: "line \(index + 2) has \(size)")
            }
            failures[RunCSV.identity(ofRow: row)] = !row.last!.isEmpty
        }
        return failures
    }
}
