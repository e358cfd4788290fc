import Pipeline

/// A run as a row of a CSV file: its settings, and its figures once it has any. `columns` says what a row holds.
struct RunCSV {
    let options: RunOptions
    let configuration: RunConfiguration
    /// Which of several runs with the same settings it is; counts from 1.
    let repetition: Int
    /// None for a run that has not ended, or failed.
    let figures: RunFigures?
    /// Why it failed; empty when it did not.
    let error: String
    /// What it reads: `random` for random tokens, else the file's name and a fingerprint of the tokens that are read, so that
    /// another path to the same file is the same run, and the same path to other tokens is not.
    let data: String
    /// What its weights start from: `seed`, or a checkpoint's name and a fingerprint of the file.
    let initial: String

    /// A run that is still to come.
    /// - Throws: `CommandError` with code 65 when the checkpoint that it starts from cannot be read.
    init(_ options: RunOptions, _ plan: RunPlan) throws(CommandError) {
        self.options = options
        configuration = plan.configuration
        data = Self.source(options.data, plan.tokenFingerprint) ?? "random"
        let checkpoint = try readingData { () throws(DataError) in try plan.configuration.initial?.fingerprint() }
        initial = Self.source(options.initial, checkpoint) ?? "seed"
        (repetition, figures, error) = (1, nil, "")
    }

    /// The same run, measured once.
    func measured(_ result: RunResult) -> RunCSV { RunCSV(self, 1, figures: RunFigures(result)) }

    private init(_ run: RunCSV, _ repetition: Int, figures: RunFigures? = nil, error: String = "") {
        (options, configuration, data, initial) = (run.options, run.configuration, run.data, run.initial)
        (self.repetition, self.figures, self.error) = (repetition, figures, error)
    }

    /// Another run with the same settings that is still to come.
    func repeated(_ repetition: Int) -> RunCSV { RunCSV(self, repetition) }

    /// The same run at its end.
    func ended(_ outcome: Result<Quietest<RunFigures>, RunError>) -> RunCSV {
        switch outcome {
        case .success(let measured):
            var figures = measured.outcome
            figures.tries = measured.tries
            return RunCSV(self, repetition, figures: figures)
        case .failure(let error): return RunCSV(self, repetition, error: error.description)
        }
    }

    private static func source(_ path: String?, _ fingerprint: Fingerprint?) -> String? {
        guard let path, let fingerprint else { return nil }
        return "\(path.split(separator: "/").last ?? ""):\(fingerprint)"
    }

    static let names = columns.map(\.name)
    static let header = CSVText.line(names)
    /// It may be printed: names in it have nothing that acts on a terminal.
    var row: String { CSVText.line(Self.columns.map { $0.text(self).visible }) }
    var text: String { "\(Self.header)\n\(row)" }

    /// What tells runs apart: every setting that can change a result, and the number of the repetition. It is that of the
    /// run's row, so that a run and its row cannot differ, whatever a file's name holds.
    var identity: [String] { Self.identity(ofRow: rowValues) }

    /// What its row holds, as it is read again.
    var rowValues: [String] { CSVText.records(Array(row.utf8))[0].values }

    /// The identity of the run that a row with these values tells of. Equal numbers are equal, however they are written.
    static func identity(ofRow values: [String]) -> [String] {
        zip(columns, values).filter { $0.0.isSetting }.map { $0.1.canonicalNumber ?? $0.1.canonicalTruth ?? $0.1 }
    }

    /// What the header of an older format has not: formats 1 to 3 had fewer columns. Nil when it is no such header.
    static func columnsLacking(inOlderHeader header: [String]) -> [String]? {
        let present = Set(header)
        let lacking = names.filter { !present.contains($0) }
        let isOlder = present.contains("format") && names.filter(present.contains) == header
        return isOlder && !lacking.isEmpty ? lacking : nil
    }
}

/// What was measured in a run, for a row.
struct RunFigures {
    let result: RunResult
    let steps: Statistics
    /// Of the mean step; none without a timeline.
    let breakdown: Breakdown?
    /// All hand-offs of the measured steps; none without a timeline, or with one stage.
    let handoffSeconds: Statistics?
    /// How much others disturbed it; nil where that cannot be told.
    let disturbance: Disturbance?
    /// How often the run was measured; these figures are those of the quietest try.
    var tries = 1

    var tokensAStep: Int {
        let configuration = result.plan.configuration
        return configuration.batchSize * configuration.model.sequenceLength
    }

    init(_ result: RunResult) {
        self.result = result
        steps = Statistics(result.measuredStepSeconds)
        breakdown = result.timedSteps.isEmpty ? nil : Breakdown(meanOf: result.breakdowns())
        disturbance = result.disturbance()
        let handoffs = result.handoffs().flatMap(\.seconds.sorted)
        handoffSeconds = handoffs.isEmpty ? nil : Statistics(handoffs)
    }
}
