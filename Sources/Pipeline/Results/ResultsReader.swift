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

    /// - Throws: `DataError` that names the columns that are missing.
    private init(header: [String], path: String) throws(DataError) {
        let columns = Dictionary(zip(header, header.indices)) { first, _ in first }
        func place(_ names: [String]) -> Int? { names.lazy.compactMap { columns[$0] }.first }
        let missing =
            RunSetting.required.filter { place($0.columns) == nil }.map(\.columns)
            + RunFigure.required.filter { place($0.columns) == nil }.map(\.columns)
        if !missing.isEmpty {
            let names = missing.map { $0.count > 1 ? "\($0[0]) (or \($0[1]))" : $0[0] }.joined(separator: ", ")
            throw DataError(path: path, reason: "has no column \(names); a results CSV has them")
        }
        settings = RunSetting.allCases.compactMap { setting in
            place(setting.columns).map { (setting, $0) }
        }
        figures = RunFigure.allCases.map { place($0.columns) }
        hasTerms = RunFigure.terms.allSatisfy { place($0.columns) != nil }
        (repetition, timestamp, error) = (columns["repeat"], columns["timestamp"], columns["error"])
        columnCount = header.count
    }

    static func read(_ path: String) throws(DataError) -> Results { try rows(of: path).results(path) }

    /// What the file holds, which is no longer mapped then.
    private static func rows(of path: String) throws(DataError) -> ResultsReader {
        let data = try WholeFile.read(path)
        // Sound: every byte is a valid UInt8, and the view ends with this call, before the file's mapping.
        let bytes = unsafe data.bytes._unsafeView(as: UInt8.self)
        var scanner = CSVScanner(bytes)
        guard scanner.next(in: bytes) else {
            throw DataError(path: path, reason: "is empty; a results CSV has a header")
        }
        var reader = try ResultsReader(header: scanner.fields.map { $0.text(in: bytes) }, path: path)
        while scanner.next(in: bytes) { reader.add(scanner.fields, in: bytes) }
        return reader
    }

    private consuming func results(_ path: String) throws(DataError) -> Results {
        if row == 1 { throw DataError(path: path, reason: "has a header and no rows") }
        if rows.samples.isEmpty {
            let others =
                problemCount > 1
                ? ", and \(problemCount - 1) more row\(problemCount == 2 ? "" : "s") cannot be used either" : ""
            throw DataError(path: path, reason: "no row can be used; \(problems[0].description)\(others)")
        }
        return Results(rows, problems: problems, problemCount: problemCount, rowCount: row - 1)
    }

    // MARK: Rows

    private mutating func add(_ fields: [CSVScanner.Field], in bytes: Span<UInt8>) {
        row += 1
        do throws(RowError) { try read(fields, in: bytes) } catch {
            problemCount += 1
            if problems.count < Self.problemsTold { problems.append(Results.Problem(row: row, reason: error.reason)) }
        }
    }

    private struct RowError: Error { let reason: String }

    private mutating func read(_ fields: [CSVScanner.Field], in bytes: Span<UInt8>) throws(RowError) {
        if fields.count != columnCount {
            throw RowError(
                reason: "has \(fields.count) field\(fields.count == 1 ? "" : "s"), the header \(columnCount)")
        }
        for (setting, column) in settings {
            guard let value = rows.values.number(of: setting, fields[column], in: bytes) else {
                throw Self.wrong(
                    setting.column, fields[column], Self.allowed(setting), bytes)
            }
            combination[setting.rawValue] = value
        }
        if let error, !fields[error].range.isEmpty {
            return rows.addFailure(fields[error].text(in: bytes), settings: combination)
        }
        rows.add(try sample(fields, in: bytes), settings: combination)
    }

    private static func allowed(_ setting: RunSetting) -> String {
        if setting.isCount { return "a whole number above 0" }
        if setting == .seed { return "a whole number" }
        return setting.isNumber ? "a finite number" : "a name"
    }

    private func sample(_ fields: [CSVScanner.Field], in bytes: Span<UInt8>) throws(RowError) -> RunSample {
        var number: Int32 = 0
        if let repetition, !fields[repetition].range.isEmpty {
            guard let value = fields[repetition].number(in: bytes).flatMap(Int32.init(exactly:)) else {
                throw Self.wrong("repeat", fields[repetition], "a whole number", bytes)
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
        return Breakdown(
            work: work, imbalance: imbalance, bubble: bubble, oversubscription: oversubscription, transport: transport,
            optimizer: optimizer)
    }

    /// A finite figure, above 0 unless it is a term; nil where the CSV does not tell and need not.
    /// - Parameter place: the figure's among all.
    private func figure(
        _ figure: RunFigure, _ place: Int, _ fields: [CSVScanner.Field], in bytes: Span<UInt8>
    ) throws(RowError) -> Double? {
        guard let column = figures[place] else { return nil }
        let isRequired = place < 2
        if fields[column].range.isEmpty && !isRequired { return nil }
        guard let value = fields[column].number(in: bytes), value > 0 || place > 2 else {
            throw Self.wrong(
                figure.rawValue, fields[column], place > 2 ? "a finite number" : "a finite number above 0", bytes)
        }
        return value
    }

    private static func wrong(
        _ column: String, _ field: CSVScanner.Field, _ allowed: String, _ bytes: Span<UInt8>
    ) -> RowError {
        RowError(reason: "\(column) is '\(field.text(in: bytes))', not \(allowed)")
    }
}

extension Results {
    /// The runs of a results CSV.
    /// - Throws: `DataError` when a column is missing or no row can be used.
    public init(path: String) throws(DataError) { self = try ResultsReader.read(path) }
}
