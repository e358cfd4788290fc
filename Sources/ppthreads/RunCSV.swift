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

    /// A run that is still to come.
    init(_ options: RunOptions, _ configuration: RunConfiguration, repetition: Int) {
        self.init(options, configuration, repetition, figures: nil, error: "")
    }

    init(_ options: RunOptions, _ result: RunResult) {
        self.init(options, result.plan.configuration, 1, figures: RunFigures(result), error: "")
    }

    private init(
        _ options: RunOptions, _ configuration: RunConfiguration, _ repetition: Int, figures: RunFigures?,
        error: String
    ) {
        self.options = options
        self.configuration = configuration
        self.repetition = repetition
        self.figures = figures
        self.error = error
    }

    /// The same run at its end.
    func ended(_ outcome: Result<RunResult, RunError>) -> RunCSV {
        switch outcome {
        case .success(let result):
            RunCSV(options, configuration, repetition, figures: RunFigures(result), error: "")
        case .failure(let error):
            RunCSV(options, configuration, repetition, figures: nil, error: error.description)
        }
    }

    static let names = columns.map(\.name)
    static let header = CSVText.line(names)
    var row: String { CSVText.line(Self.columns.map { $0.text(self) }) }
    var text: String { "\(Self.header)\n\(row)" }

    /// What tells runs apart: the settings, and the number of the repetition.
    var identity: [String] { Self.columns.filter(\.isSetting).map { $0.text(self) } }

    /// The identity of the run that a row with these values tells of.
    static func identity(ofRow values: [String]) -> [String] {
        zip(columns, values).filter { $0.0.isSetting }.map { $0.1 }
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

    var tokensAStep: Int {
        let configuration = result.plan.configuration
        return configuration.batchSize * configuration.model.sequenceLength
    }

    init(_ result: RunResult) {
        self.result = result
        steps = Statistics(result.measuredStepSeconds)
        breakdown = result.timedSteps.isEmpty ? nil : Breakdown(meanOf: result.breakdowns())
        let handoffs = result.handoffs().flatMap(\.seconds.sorted)
        handoffSeconds = handoffs.isEmpty ? nil : Statistics(handoffs)
    }
}
