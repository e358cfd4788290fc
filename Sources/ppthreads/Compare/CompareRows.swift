import FoundationEssentials
import Pipeline

/// A comparison for programs: one row for each candidate, each figure with its interval. Times are in seconds but for
/// `handoff_us`, which is in microseconds.
struct CompareRows {
    private let rows: [Row]
    private let notes: [String]
    private let data: DataJSON?

    init(_ figures: ComparisonFigures) {
        rows = figures.candidates.map(Row.init)
        notes = CompareNotes(figures).lines
        data = DataJSON(figures.candidates[0].plan.configuration)
    }

    struct Figure: Encodable {
        let value: Double
        let low: Double
        let high: Double

        init(_ estimate: Estimate, scale: Double = 1) {
            (value, low, high) = (estimate.value * scale, estimate.low * scale, estimate.high * scale)
        }
    }

    struct Row: Encodable {
        let schedule: String
        let transport: String
        /// In order, for the CSV.
        let figures: [(name: String, figure: Figure)]
        /// Likewise: how often its runs were measured, and how many of them stayed disturbed.
        let counts: [(name: String, count: Int)]

        init(_ candidate: CandidateFigures) {
            schedule = candidate.schedule.rawValue
            transport = candidate.transport.rawValue
            var figures = [
                ("tokens_per_s", Figure(candidate.tokensPerSecond)), ("step_s", Figure(candidate.stepSeconds)),
            ]
            figures += Breakdown.Term.allCases.map { ("\($0.rawValue)_s", Figure(candidate[$0])) }
            let handoff = candidate.handoffSeconds ?? Estimate(value: 0, low: 0, high: 0)
            figures += [
                ("handoff_us", Figure(handoff, scale: 1e6)), ("parked_share", Figure(candidate.parkedShare)),
                ("efficiency", Figure(candidate.efficiency)),
            ]
            if let ratio = candidate.overThreads { figures.append(("ratio_to_threads", Figure(ratio.estimate))) }
            if let ratio = candidate.overGPipe { figures.append(("ratio_to_gpipe", Figure(ratio.estimate))) }
            self.figures = figures
            counts = [("tries", candidate.tries.all), ("disturbed_trials", candidate.tries.disturbed)]
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: TextKey.self)
            try container.encode(schedule, forKey: TextKey(stringValue: "schedule"))
            try container.encode(transport, forKey: TextKey(stringValue: "transport"))
            for (name, figure) in figures { try container.encode(figure, forKey: TextKey(stringValue: name)) }
            for (name, count) in counts { try container.encode(count, forKey: TextKey(stringValue: name)) }
        }
    }

    private struct Document: Encodable {
        let model: String
        let stages: Int
        let microbatches: Int
        let partition: String
        let simd: String
        let trials: Int
        let measureSteps: Int
        /// null for random tokens.
        let data: DataJSON?
        let rows: [Row]
        let notes: [String]
    }

    func json(_ options: CompareOptions) throws(CommandError) -> String {
        let run = options.run
        return try JSONText.encode(
            Document(
                model: try run.model.spec().model().name, stages: run.stages, microbatches: run.microbatches,
                partition: run.partition.rawValue, simd: run.simd.rawValue, trials: options.trials,
                measureSteps: run.measure, data: data, rows: rows, notes: notes))
    }

    /// Each figure in three columns: the value, and `_low` and `_high` of its interval; then the counts.
    var csv: String {
        let header =
            ["schedule", "transport"] + rows[0].figures.flatMap { ["\($0.name)", "\($0.name)_low", "\($0.name)_high"] }
            + rows[0].counts.map(\.name)
        let lines = rows.map { row in
            [row.schedule, row.transport]
                + row.figures.flatMap { [$0.figure.value, $0.figure.low, $0.figure.high].map { "\($0)" } }
                + row.counts.map { "\($0.count)" }
        }
        return ([header] + lines).map { $0.joined(separator: ",") }.joined(separator: "\n")
    }
}
