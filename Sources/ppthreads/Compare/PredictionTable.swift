// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What was predicted beside what was measured, for a person.
struct PredictionTable {
    private let prediction: PredictedComparison
    private let hasCopies: Bool

    init(_ prediction: PredictedComparison, hasCopies: Bool) {
        (self.prediction, self.hasCopies) = (prediction, hasCopies)
    }

    var text: String {
        [
            "predicted from what units take, measured before and after (profile); ms, and what is off in % of the measured step",
            TextTable([header] + prediction.items.flatMap(rows), leading: 3).text, ranking,
        ].joined(separator: "\n")
    }

    private var terms: [Breakdown.Term] { Breakdown.Term.all(withCopies: hasCopies) }

    private var header: [String] { ["", "", "", "step"] + terms.map(\.rawValue) }

    private func rows(_ item: PredictedComparison.Item) -> [[String]] {
        func values(_ breakdown: Breakdown) -> [String] {
            ([breakdown.step] + terms.map { breakdown[$0] }).map { ($0 * 1000).fixed(2) }
        }
        func signed(_ part: Double) -> String { "\(part >= 0 ? "+" : "")\((part * 100).fixed(1)) %" }
        return [
            [item.schedule, item.transport, "predicted"] + values(item.predicted),
            ["", "", "measured"] + values(item.measured),
            ["", "", "off by"] + [signed(item.error)] + terms.map { signed(item.error($0)) },
        ]
    }

    private var ranking: String {
        let (pairs, right) = prediction.ranking
        let least = (PredictedComparison.rankedDifference * 100).plain
        if pairs == 0 { return "no two of them differ by more than \(least) %: there is no ranking to predict" }
        return
            "of \(counted(pairs, "pair")) that differ by more than \(least) %, the prediction calls \(right == pairs ? pairs == 1 ? "it" : "all" : "\(right)") right"
    }
}

/// The same for programs: seconds, and errors as parts of the measured step.
struct PredictionJSON: Encodable {
    struct Row: Encodable {
        let schedule, transport: String
        let predictedStepS, measuredStepS, error: Double
        let predicted, measured: Terms
    }

    /// Under the terms' names.
    struct Terms: Encodable {
        let breakdown: Breakdown

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: TextKey.self)
            for term in Breakdown.Term.allCases {
                try container.encode(breakdown[term], forKey: TextKey(stringValue: "\(term.rawValue)_s"))
            }
        }
    }

    let rows: [Row]
    let rankedPairs, rankedRight: Int

    init(_ prediction: PredictedComparison) {
        rows = prediction.items.map { item in
            Row(
                schedule: item.schedule, transport: item.transport, predictedStepS: item.predicted.step,
                measuredStepS: item.measured.step, error: item.error, predicted: Terms(breakdown: item.predicted),
                measured: Terms(breakdown: item.measured))
        }
        (rankedPairs, rankedRight) = prediction.ranking
    }
}
