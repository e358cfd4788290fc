// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Pipeline

/// A comparison for programs: one row for each candidate, each figure with its interval. Times are in seconds but for
/// `handoff_us`, which is in microseconds.
package struct CompareRows {
    private let rows: [Row]
    private let notes: [String]
    private let pairCount: Int
    private let data: DataJSON?

    /// - Parameters:
    ///   - orderNotes: what is to be said of the schedules' files.
    ///   - link: that is reckoned with, if one is.
    package init(_ figures: ComparisonFigures, orderNotes: [String] = [], expecting link: LinkCost? = nil) {
        let expected = link.map(figures.expectedSteps)
        rows = figures.candidates.indices.map { index in
            Row(figures.candidates[index], expected?[index], isJudged: figures.comparison.isJudged)
        }
        notes = CompareNotes(figures, orderNotes: orderNotes, expecting: link).lines
        pairCount = figures.pairCount
        data = DataJSON(figures.candidates[0].plan.configuration)
    }

    struct Figure: Encodable {
        let value, low, high: Double?

        /// - Parameter estimate: nil of what there is none of.
        init(_ estimate: Estimate?, scale: Double = 1) {
            value = estimate.map { $0.value * scale }
            low = estimate?.interval.map { $0.lowerBound * scale }
            high = estimate?.interval.map { $0.upperBound * scale }
        }

        /// null where there is no figure or no interval, so that all figures have the same keys.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: TextKey.self)
            try container.encode(value, forKey: TextKey(stringValue: "value"))
            try container.encode(low, forKey: TextKey(stringValue: "low"))
            try container.encode(high, forKey: TextKey(stringValue: "high"))
        }

        /// Empty where there is no interval.
        var fields: [String] { [value, low, high].map { $0.map { "\($0)" } ?? "" } }
    }

    struct Row: Encodable {
        let schedule: String
        let transport: String
        /// In order, for the CSV.
        let figures: [(name: String, figure: Figure)]
        /// Likewise: how often its runs were measured, and how many of them stayed disturbed; nil where nobody can tell.
        let counts: [(name: String, count: Int?)]
        /// For the CSV; the JSON has all candidates' in one list.
        let notes: String

        /// - Parameter expected: the step over a link that is reckoned with; nil where none is.
        init(_ candidate: CandidateFigures, _ expected: Estimate?, isJudged: Bool) {
            schedule = candidate.plan.schedule.identifier
            transport = candidate.transport.rawValue
            var figures = [
                ("tokens_per_s", Figure(candidate.tokensPerSecond)), ("step_s", Figure(candidate.stepSeconds)),
            ]
            if let delivered = candidate.deliveredTokensPerSecond {
                figures.append(("tokens_per_s_delivered", Figure(Estimate(value: delivered, interval: nil))))
            }
            figures += Breakdown.Term.allCases.map { ("\($0.rawValue)_s", Figure(candidate[$0])) }
            // Null where there is none, so that all rows have the same columns.
            figures += [
                ("ratio_to_first", Figure(candidate.overFirst?.estimate)),
                ("handoff_us", Figure(candidate.handoffSeconds, scale: 1e6)),
                ("parked_share", Figure(candidate.parkedShare)),
                ("efficiency", Figure(candidate.efficiency)),
            ]
            if let ratio = candidate.overThreads { figures.append(("ratio_to_threads", Figure(ratio.estimate))) }
            if let ratio = candidate.overGPipe { figures.append(("ratio_to_gpipe", Figure(ratio.estimate))) }
            if let expected { figures.append(("expected_step_s", Figure(expected))) }
            self.figures = figures
            counts = [("tries", candidate.tries.all), ("disturbed_trials", isJudged ? candidate.tries.disturbed : nil)]
            notes = candidate.notesColumn
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: TextKey.self)
            try container.encode(schedule, forKey: TextKey(stringValue: "schedule"))
            try container.encode(transport, forKey: TextKey(stringValue: "transport"))
            for (name, figure) in figures { try container.encode(figure, forKey: TextKey(stringValue: name)) }
            for (name, count) in counts { try container.encode(count, forKey: TextKey(stringValue: name)) }
        }
    }

    /// What all candidates have in common, under the keys of `run --json`; then the rest.
    private struct Document: Encodable {
        let row: ResultRow
        let rest: Rest

        struct Rest: Encodable {
            let model: String
            let trials: Int
            /// Ratios whose intervals hold together.
            let ratiosAtOnce: Int
            /// Not there for random tokens.
            let data: DataJSON?
            let rows: [Row]
            /// Not there without `--predict`.
            let prediction: PredictionJSON?
            let notes: [String]
        }

        private static let ofCandidates: Set = ["schedule", "transport", "virtual_stages"]
        private static let ofProgram: Set = ["version", "commit", "host", "cpu", "os_cpus"]

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: TextKey.self)
            for column in ResultColumn.all
            where column.isSetting ? !Self.ofCandidates.contains(column.name) : Self.ofProgram.contains(column.name) {
                guard let key = column.jsonKey, let value = column.value(of: row) else { continue }
                try container.encode(value, forKey: TextKey(stringValue: key))
            }
            try rest.encode(to: encoder)
        }
    }

    /// - Parameter row: of any candidate.
    func json(
        _ options: CompareOptions, _ row: ResultRow, _ prediction: PredictedComparison? = nil
    ) throws(CommandError) -> String {
        try JSONText.encode(
            Document(
                row: row,
                rest: Document.Rest(
                    model: try options.run.model.spec().model().name, trials: options.trials, ratiosAtOnce: pairCount,
                    data: data, rows: rows, prediction: prediction.map(PredictionJSON.init), notes: notes)))
    }

    /// Each figure in three columns: the value, and `_low` and `_high` of its interval; then the counts, and the notes, which have no commas.
    package var csv: String {
        let header =
            ["schedule", "transport"] + rows[0].figures.flatMap { ["\($0.name)", "\($0.name)_low", "\($0.name)_high"] }
            + rows[0].counts.map(\.name) + ["notes"]
        let lines = rows.map { row in
            [row.schedule, row.transport]
                + row.figures.flatMap(\.figure.fields)
                + row.counts.map { $0.count.map(String.init) ?? "" } + [row.notes]
        }
        return ([header] + lines).map { $0.joined(separator: ",") }.joined(separator: "\n")
    }
}
