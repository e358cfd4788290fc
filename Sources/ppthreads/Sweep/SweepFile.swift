// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// The CSV file of a sweep: one header, then a row for each run that has ended, on the disk before the next one starts. It
/// may hold rows of other sweeps. As long as this exists, no other sweep can write to the file.
struct SweepFile {
    private let path: String
    private let file: GrowingFile
    /// How each run that is there ended.
    private var endings: [[String]: RunEnding] = [:]

    /// Opens a file or makes it, cuts off the half row that a killed sweep may have left at its end, and gives one of an older
    /// format the columns that it lacks.
    ///
    /// - Throws: `CommandError` with code 65 when the file is something else, which is then left as it is, and with code 70
    ///   when another sweep is writing to it.
    init(path: String) throws(CommandError) {
        self.path = path
        var opened: (file: GrowingFile, rows: SweepRows)? = try Self.open(path)
        if let rows = opened?.rows, !rows.lacking.isEmpty {
            try readingData { () throws(DataError) in try OutputFile(path).write(texts: rows.lines) }
            let lacking = rows.lacking.joined(separator: ", ")
            Terminal.error(
                "ppthreads sweep: \(path): its rows are of an older format, which does not tell \(lacking); they stay, with "
                    + "these empty\(rows.lacksSettings ? ", and their runs are measured anew" : "")")
            // Before it is opened again: should it be the same file, to close it later would end the lock.
            opened = nil
        }
        let (file, rows) = if let opened { opened } else { try Self.open(path) }
        try readingData { () throws(DataError) in try Self.mendEnd(of: file, rows) }
        (self.file, endings) = (file, rows.endings)
    }

    private static func open(_ path: String) throws(CommandError) -> (GrowingFile, SweepRows) {
        let file = try readingData { () throws(DataError) in try GrowingFile(path: path) }
        if let process = try readingData({ () throws(DataError) in try file.lock() }) {
            throw CommandError(code: .failed, message: "\(path): another sweep (process \(process)) is writing to it")
        }
        let rows = try readingData { () throws(DataError) in
            try SweepRows(file.bytes(memoryPerByte: SweepRows.memoryPerByte), of: path)
        }
        if rows.half != nil { Terminal.error("ppthreads sweep: \(path): half a row at its end was cut off") }
        return (file, rows)
    }

    /// Makes the file one to which whole lines can be added.
    private static func mendEnd(of file: GrowingFile, _ rows: SweepRows) throws(DataError) {
        if let half = rows.half { try file.truncate(to: half) }
        if rows.isEmpty {
            try file.append(ResultRow.header + "\n")
        } else if rows.lacksLastEnd {
            try file.append("\n")
        }
    }

    func contains(_ run: ResultRow) -> Bool { ending(of: run) != nil }
    /// How a run that is there ended.
    func ending(of run: ResultRow) -> RunEnding? { endings[run.identity] }

    /// Adds a run that has ended.
    /// - Throws: `CommandError` with code 70 when somebody else has removed, replaced or changed the file, which would make
    ///   the row one that nobody finds, and with 65 when it cannot be written.
    mutating func append(_ run: ResultRow) throws(CommandError) {
        do throws(DataError) { try file.checkUnchanged() } catch {
            throw CommandError(code: .failed, message: error.description)
        }
        try readingData { () throws(DataError) in try file.append(run.line + "\n") }
        endings[run.identity] = RunEnding(ofRow: run.values)
    }
}
