import Threads

/// Reads a results CSV: ours, the reference study's runs, or its summary. Columns are found by their names, in any order;
/// unknown ones are passed over.
struct ResultsReader {
    private let settings: [(setting: RunSetting, column: Int)]
    private let figures: [Int?]
    private let repetition: Int?
    private let timestamp: Int?
    private let error: Int?
    private let columnCount: Int
    private let hasTerms: Bool

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
        var (columns, doubled): ([String: Int], Set<String>) = ([:], [])
        for (place, name) in header.enumerated() {
            if columns.updateValue(columns[name] ?? place, forKey: name) != nil { doubled.insert(name) }
        }
        func place(_ names: [String]) -> Int? { names.lazy.compactMap { columns[$0] }.first }
        let missing =
            RunSetting.required.filter { place($0.columns) == nil }.map(\.columns)
            + RunFigure.required.filter { place($0.columns) == nil }.map(\.columns)
        if !missing.isEmpty {
            if let form { throw DataError(path: path, reason: form) }
            let names = missing.map { $0.count > 1 ? "\($0[0]) (or \($0[1]))" : $0[0] }.joined(separator: ", ")
            throw DataError(path: path, reason: "has no column \(names); a results CSV has them")
        }
        if let name = Self.columnsRead.first(where: doubled.contains) {
            if let form { throw DataError(path: path, reason: form) }
            throw DataError(path: path, reason: "has two columns \(name); which one counts is not told")
        }
        settings = RunSetting.allCases.compactMap { setting in
            place(setting.columns).map { (setting, $0) }
        }
        figures = RunFigure.allCases.map { place($0.columns) }
        hasTerms = RunFigure.terms.allSatisfy { place($0.columns) != nil }
        (repetition, timestamp, error) = (columns["repeat"], columns["timestamp"], columns["error"])
        columnCount = header.count
    }

    private static let columnsRead =
        RunSetting.allCases.flatMap(\.columns) + RunFigure.allCases.flatMap(\.columns) + [
            "repeat", "timestamp", "error",
        ]

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
                throw Self.wrong(setting.column, fields[column], setting.allowed, bytes)
            }
            combination[setting.rawValue] = value
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
            tokensPerSecond: try figure(.tokensPerSecond, 0, fields, in: bytes)!,
            stepSeconds: try figure(.stepSeconds, 1, fields, in: bytes)!,
            totalSeconds: try figure(.totalSeconds, 2, fields, in: bytes),
            breakdown: try breakdown(fields, in: bytes),
            disturbance: try figure(.disturbance, 9, fields, in: bytes).map(Disturbance.init(share:)),
            repetition: number,
            time: timestamp.map { Timestamp.seconds(fields[$0], in: bytes) } ?? -.infinity)
    }

    private func breakdown(_ fields: [CSVScanner.Field], in bytes: Span<UInt8>) throws(RowError) -> Breakdown? {
        guard hasTerms, let work = try figure(.work, 3, fields, in: bytes),
            let imbalance = try figure(.imbalance, 4, fields, in: bytes),
            let bubble = try figure(.bubble, 5, fields, in: bytes),
            let oversubscription = try figure(.oversubscription, 6, fields, in: bytes),
            let transport = try figure(.transport, 7, fields, in: bytes),
            let optimizer = try figure(.optimizer, 8, fields, in: bytes)
        else { return nil }
        let terms = Breakdown(
            work: work, imbalance: imbalance, bubble: bubble, oversubscription: oversubscription, transport: transport,
            optimizer: optimizer)
        guard RunFigure.stepSeconds.range.contains(terms.step) else {
            throw RowError(
                reason:
                    "work_s to optimizer_s add up to \(terms.step), not to a number \(RunFigure.stepSeconds.allowed)"
            )
        }
        return terms
    }

    /// A figure; nil where the CSV does not tell and need not.
    /// - Parameter place: the figure's among all.
    private func figure(
        _ figure: RunFigure, _ place: Int, _ fields: [CSVScanner.Field], in bytes: Span<UInt8>
    ) throws(RowError) -> Double? {
        guard let column = figures[place] else { return nil }
        let isRequired = place < 2
        if fields[column].range.isEmpty && !isRequired { return nil }
        guard let value = fields[column].number(in: bytes), figure.range.contains(value) else {
            throw Self.wrong(figure.rawValue, fields[column], "a number \(figure.allowed)", bytes)
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
    public init(path: String) throws(DataError) { self = try ResultsReader.read(path) }

    /// Checks that every row of a results CSV can be used.
    /// - Throws: `DataError` that names the first one that cannot, or a column that is missing.
    public static func check(_ bytes: Span<UInt8>, of path: String) throws(DataError) {
        try ResultsReader.check(bytes, of: path)
    }
}
