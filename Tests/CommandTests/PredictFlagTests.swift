// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `compare --predict`: what was predicted beside what was measured.
struct PredictFlagTests {
    private let runs = [
        "compare", "--predict", "--schedule", "gpipe,zb-h1", "--transport", "threads", "--trials", "1", "--warmup", "0",
        "--measure",
        "2", "--dim", "32", "--vocab-size", "211", "--seq-len", "16", "--n-layers", "2",
    ]

    @Test("each candidate has its terms twice, and the error that follows from them") func rows() throws {
        let report = try Command.json(runs)
        let prediction = try #require(report["prediction"] as? [String: Any])
        let rows = try #require(prediction["rows"] as? [[String: Any]])
        #expect(rows.map { $0["schedule"] as? String } == ["GPipe", "ZB-H1"])
        let steps = try #require(report["rows"] as? [[String: Any]]).map {
            ($0["step_s"] as? [String: Any])?["value"] as? Double
        }
        for (row, step) in zip(rows, steps) {
            let (predicted, measured) = try (
                #require(row["predicted_step_s"] as? Double), #require(row["measured_step_s"] as? Double)
            )
            let told = try #require(step)
            #expect(predicted > 0 && abs(measured - told) < 1e-9)
            #expect(abs(try #require(row["error"] as? Double) - (predicted / measured - 1)) < 1e-9)
            let terms = try #require(row["predicted"] as? [String: Double])
            #expect(abs(terms.values.reduce(0, +) - predicted) < 1e-9 && terms.count == 7)
            #expect(terms["oversubscription_s"] == 0)
        }
        #expect((prediction["ranked_pairs"] as? Int ?? 9) <= 1)
    }

    @Test("the table has three lines for each, and no CSV has them") func table() throws {
        let outcome = try Command.run(runs)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let table = outcome.output.components(separatedBy: "predicted from what units take").last ?? ""
        #expect(
            table.components(separatedBy: "predicted  ").count == 3
                && table.components(separatedBy: "measured  ").count == 3, "\(table)")
        #expect(table.contains("GPipe") && table.contains("off by"))
        let refused = try Command.run(runs + ["--csv"])
        #expect(refused.code == 64 && refused.errors.contains("--predict: cannot be given together with --csv"))
    }
}
