// SPDX-License-Identifier: Apache-2.0

import Threads

/// Reads a results CSV: ours, the reference study's runs, or its summary. Columns are found by their names, in any order;
/// unknown ones are passed over.
struct ResultsReader {
    private let settings: [(setting: RunSetting, column: Int)]
    private let tokensPerSecond: FigureColumn
    private let stepSeconds: FigureColumn
    private let totalSeconds: FigureColumn?
    /// In the order of the breakdown's, the reduction left out; nil unless all are there.
    private let terms: [FigureColumn]?
    /// Files of older formats have none, as their runs had nothing to reduce.
    private let reduction: FigureColumn?
    private let disturbance, throttled: FigureColumn?
    private let repetition: Int?
    private let timestamp: Int?
    private let error: Int?
    private let columnCount: Int

    private var rows = RowStore()
    private var combination = Array(repeating: SettingValues.Number(0), count: RunSetting.allCases.count)
    private var problems: [Results.Problem] = []
    private var problemCount = 0
    private var row = 1

    /// How many problems are told of one by one.
    private static let problemsTold = 20
    /// How much is told of the reason why a run failed.
    private static let charactersTold = 1000

    /// - Parameter form: what is wrong with how the file was saved, if that can be told.
    /// - Throws: `DataError` that names the columns that are missing, or one of which there are two.
    private init(header: [String], form: String?, path: String) throws(DataError) {
        var (indices, doubled): ([String: Int], Set<String>) = ([:], [])
        for (index, name) in header.enumerated() {
            if indices.updateValue(indices[name] ?? index, forKey: name) != nil { doubled.insert(name) }
        }
        func index(_ column: ResultColumn) -> Int? { column.names.lazy.compactMap { indices[$0] }.first }
        let missing = ResultColumn.all.filter { $0.isRequired && index($0) == nil }
        if !missing.isEmpty {
            if let form { throw DataError(path: path, reason: form) }
            let names = missing.map { $0.name + ($0.otherNames.first.map { " (or \($0))" } ?? "") }
            throw DataError(
                path: path, reason: "has no column \(names.joined(separator: ", ")); a results CSV has them")
        }
        if let name = Self.namesRead.first(where: doubled.contains) {
            if let form { throw DataError(path: path, reason: form) }
            throw DataError(path: path, reason: "has two columns \(name); which one counts is not told")
        }
        func figure(_ column: ResultColumn) -> FigureColumn? { index(column).map { FigureColumn(column, $0) } }
        settings = RunSetting.allCases.compactMap { setting in index(setting.column).map { (setting, $0) } }
        tokensPerSecond = figure(.named("tokens_per_s"))!
        stepSeconds = figure(.named("avg_step_time_s"))!
        totalSeconds = figure(.named("total_time_s"))
        let needed = Breakdown.Term.all(withCopies: false)
        let terms = needed.compactMap { figure(.of($0)) }
        self.terms = terms.count == needed.count ? terms : nil
        reduction = figure(.of(.reduction))
        (disturbance, throttled) = (figure(.named("disturbance")), figure(.named("throttled")))
        (repetition, timestamp, error) = (indices["repeat"], indices["timestamp"], indices["error"])
        columnCount = header.count
    }

    private static let namesRead =
        ResultColumn.all.filter { $0.values != .unread }.flatMap(\.names) + ["repeat", "timestamp", "error"]

    /// A figure's column in the file.
    private struct FigureColumn {
        let index: Int
        let range: ClosedRange<Double>
        let isRequired: Bool
        /// Among all columns: a name would be counted as often as it is read.
        private let number: Int

        var name: String { ResultColumn.all[number].name }

        init(_ column: ResultColumn, _ index: Int) {
            guard case .within(let range) = column.values else { trap("\(column.name) is no figure") }
            (self.index, self.range, isRequired) = (index, range, column.isRequired)
            number = ResultColumn.all.firstIndex { $0.name == column.name }!
        }
    }

    static func read(_ path: String) throws(DataError) -> Results { try rows(of: path).results(path) }

    /// - Throws: as `read` does, and `DataError` with the first row that cannot be used.
    static func check(_ bytes: Span<UInt8>, of path: String) throws(DataError) {
        let reader = try rows(in: bytes, of: path, WholeFile.tightestBound)
        if let problem = reader.problems.first { throw DataError(path: path, reason: problem.description) }
    }

    /// What a row takes in memory whose settings no other has, room for growth included; repeats take half as much. Measured.
    private static let bytesOfRow = 1000
    private static let rowsBetweenLooks = 1 << 14

    /// What the file holds, whose bytes are no longer in memory then.
    private static func rows(of path: String) throws(DataError) -> ResultsReader {
        let bound = WholeFile.tightestBound
        let data = try WholeFile.read(path, memory: ReadingMemory(perByte: 1))
        // Sound: every byte is a valid UInt8, and the view ends with this call, before the file's bytes are given back.
        return try rows(in: unsafe data.bytes._unsafeView(as: UInt8.self), of: path, bound)
    }

    /// - Parameter bound: of the memory for the bytes and what is made of them.
    private static func rows(
        in bytes: Span<UInt8>, of path: String, _ bound: MemoryBound?
    ) throws(DataError) -> ResultsReader {
        var scanner = CSVScanner(bytes)
        guard scanner.next(in: bytes) else {
            throw DataError(path: path, reason: "is empty; a results CSV has a header")
        }
        if scanner.fieldCount > CSVScanner.fieldsMost {
            throw DataError(
                path: path,
                reason: "has \(scanner.fieldCount) columns; a results CSV has at most \(CSVScanner.fieldsMost)")
        }
        let form = CSVText.otherForm(header: bytes.extracting(scanner.start..<scanner.position))
        var reader = try ResultsReader(header: scanner.fields.map { $0.text(in: bytes) }, form: form, path: path)
        while scanner.next(in: bytes) {
            reader.add(scanner, in: bytes)
            if reader.row % rowsBetweenLooks == 0 { try reader.checkMemory(path, bytes, scanner.position, bound) }
        }
        if reader.row == 1 { throw DataError(path: path, reason: form ?? "has a header and no rows") }
        return reader
    }

    /// Refuses the file once what was read, up to `position`, has taken more than there was.
    private func checkMemory(
        _ path: String, _ bytes: Span<UInt8>, _ position: Int, _ bound: MemoryBound?
    ) throws(DataError) {
        guard let bound, bytes.count + row * Self.bytesOfRow > bound.availableBytes else { return }
        // All of it, if the rest is as what was read.
        let rows = Int(Double(row) * Double(bytes.count) / Double(position))
        try WholeFile.checkFits(path, bytes: bytes.count, memory: bytes.count + rows * Self.bytesOfRow, bound)
    }

    private consuming func results(_ path: String) throws(DataError) -> Results {
        if rows.samples.isEmpty {
            let others =
                problemCount > 1
                ? ", and \(problemCount - 1) more row\(problemCount == 2 ? "" : "s") cannot be used either" : ""
            throw DataError(path: path, reason: "no row can be used; \(problems[0].description)\(others)")
        }
        return Results(rows, problems: problems, problemCount: problemCount, rowCount: row - 1)
    }

    // MARK: Rows

    private mutating func add(_ scanner: borrowing CSVScanner, in bytes: Span<UInt8>) {
        row += 1
        do throws(RowError) {
            if scanner.hasOpenQuote {
                throw RowError(reason: "has a quote without its twin, and takes in all the rest")
            }
            if scanner.fieldCount != columnCount {
                let fields = counted(scanner.fieldCount, "field")
                throw RowError(reason: "has \(fields), the header \(columnCount)")
            }
            try read(scanner.fields, in: bytes)
        } catch {
            problemCount += 1
            if problems.count < Self.problemsTold { problems.append(Results.Problem(row: row, reason: error.reason)) }
        }
    }

    private struct RowError: Error { let reason: String }

    private mutating func read(_ fields: [CSVScanner.Field], in bytes: Span<UInt8>) throws(RowError) {
        for (setting, column) in settings {
            guard let value = rows.values.number(of: setting, fields[column], in: bytes) else {
                throw Self.wrong(setting.name, fields[column], setting.column.values.allowed, bytes)
            }
            combination[setting.index] = value
        }
        if let error, !fields[error].range.isEmpty {
            let reason = fields[error].text(in: bytes)
            return rows.addFailure(String(reason.prefix(Self.charactersTold)), settings: combination)
        }
        rows.add(try sample(fields, in: bytes), settings: combination)
    }

    private func sample(_ fields: [CSVScanner.Field], in bytes: Span<UInt8>) throws(RowError) -> RunSample {
        var number: Int32 = 0
        if let repetition, !fields[repetition].range.isEmpty {
            guard let value = fields[repetition].number(in: bytes).flatMap(Int32.init(exactly:)), value >= 1 else {
                throw Self.wrong("repeat", fields[repetition], "a whole number from 1 to \(Int32.max)", bytes)
            }
            number = value
        }
        return RunSample(
            tokensPerSecond: try figure(tokensPerSecond, fields, in: bytes)!,
            stepSeconds: try figure(stepSeconds, fields, in: bytes)!,
            totalSeconds: try figure(totalSeconds, fields, in: bytes), breakdown: try breakdown(fields, in: bytes),
            disturbance: try figure(disturbance, fields, in: bytes).map(Disturbance.init(share:)),
            throttledShare: try figure(throttled, fields, in: bytes),
            repetition: number, time: timestamp.map { Timestamp.seconds(fields[$0], in: bytes) } ?? -.infinity)
    }

    private func breakdown(_ fields: [CSVScanner.Field], in bytes: Span<UInt8>) throws(RowError) -> Breakdown? {
        guard let terms, terms.allSatisfy({ !fields[$0.index].range.isEmpty }) else { return nil }
        var next = 0
        let breakdown = try Breakdown { term throws(RowError) in
            if term == .reduction { return try figure(reduction, fields, in: bytes) ?? 0 }
            defer { next += 1 }
            return try figure(terms[next], fields, in: bytes)!
        }
        guard stepSeconds.range.contains(breakdown.step) else {
            let allowed = ResultValues.within(stepSeconds.range).allowed
            throw RowError(
                reason: "\(terms.first!.name) to \(terms.last!.name) add up to \(breakdown.step), not to \(allowed)")
        }
        return breakdown
    }

    /// A figure; nil where the CSV does not tell and need not.
    @inline(__always)
    private func figure(
        _ column: FigureColumn?, _ fields: [CSVScanner.Field], in bytes: Span<UInt8>
    ) throws(RowError) -> Double? {
        guard let column else { return nil }
        let field = fields[column.index]
        if field.range.isEmpty && !column.isRequired { return nil }
        guard let value = field.number(in: bytes), column.range.contains(value) else {
            throw Self.wrong(column.name, field, ResultValues.within(column.range).allowed, bytes)
        }
        return value
    }

    private static func wrong(
        _ column: String, _ field: CSVScanner.Field, _ allowed: String, _ bytes: Span<UInt8>
    ) -> RowError {
        let text = field.text(in: bytes)
        let isLong = text.count > 40
        return RowError(reason: "\(column) is '\(text.prefix(40))\(isLong ? "..." : "")', not \(allowed)")
    }
}

extension Results {
    /// The runs of a results CSV.
    /// - Throws: `DataError` when a column is missing or no row can be used.
    public static func read(_ path: String) throws(DataError) -> Results { try ResultsReader.read(path) }

    /// Checks that every row of a results CSV can be used.
    /// - Throws: `DataError` that names the first one that cannot, or a column that is missing.
    public static func check(_ bytes: Span<UInt8>, of path: String) throws(DataError) {
        try ResultsReader.check(bytes, of: path)
    }
}
