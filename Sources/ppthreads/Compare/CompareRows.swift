import FoundationEssentials
import Pipeline

/// A comparison for programs: one row for each candidate, each figure with its interval. Times are in seconds but for
/// `handoff_us`, which is in microseconds.
struct CompareRows {
    private let rows: [Row]
    private let notes: [String]
    private let data: DataJSON?

    init(_ comparison: Comparison) {
        rows = comparison.candidates.indices.map { Row(comparison, $0) }
        notes = CompareNotes(comparison).lines
        data = DataJSON(comparison.candidates[0].plan.configuration)
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

        init(_ comparison: Comparison, _ place: Int) {
            let candidate = comparison.candidates[place]
            schedule = candidate.schedule.rawValue
            transport = candidate.transport.rawValue
            var figures = [
                ("tokens_per_s", Figure(comparison.tokensPerSecond(place))),
                ("step_s", Figure(comparison.stepSeconds(place))),
            ]
            figures += Breakdown.Term.allCases.map { ("\($0.rawValue)_s", Figure(comparison.seconds(place, in: $0))) }
            figures += [
                (
                    "handoff_us",
                    Figure(comparison.handoffSeconds(place) ?? Estimate(value: 0, low: 0, high: 0), scale: 1e6)
                ),
                ("parked_share", Figure(comparison.parkedShare(place))),
                ("efficiency", Figure(comparison.efficiency(place))),
            ]
            if let threads = comparison.place(candidate.schedule, .threads) {
                figures.append(("ratio_to_threads", Figure(comparison.ratio(place, over: threads))))
            }
            if let gpipe = comparison.place(.gpipe, candidate.transport) {
                figures.append(("ratio_to_gpipe", Figure(comparison.ratio(place, over: gpipe))))
            }
            self.figures = figures
            let tries = comparison.tries(place)
            counts = [("tries", tries.all), ("disturbed_trials", tries.disturbed)]
        }

        private struct Key: CodingKey {
            let stringValue: String
            let intValue: Int? = nil
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(schedule, forKey: Key(stringValue: "schedule"))
            try container.encode(transport, forKey: Key(stringValue: "transport"))
            for (name, figure) in figures { try container.encode(figure, forKey: Key(stringValue: name)) }
            for (name, count) in counts { try container.encode(count, forKey: Key(stringValue: name)) }
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
