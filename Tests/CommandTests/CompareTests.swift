// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct CompareTests {
    private static let short = ["--trials", "5", "--measure", "3", "--warmup", "1"] + tiny
    private static let tooShort =
        ["--trials", "4", "--measure", "1", "--warmup", "1", "--schedule", "gpipe,1f1b"] + tiny
    private static let note = "4 trials are too few for an interval; at least 5 are needed"

    @Test("each row has the promised keys with intervals, and its terms add up to the step") func json() throws {
        let report = try Command.json(["compare"] + Self.short)
        let rows = try #require(report["rows"] as? [[String: Any]])
        #expect(rows.count == 6 && report["ratios_at_once"] as? Int == 7)
        #expect((report["notes"] as? [String])?.contains { $0.contains("too few") } == false)
        #expect(Set(rows.compactMap { $0["schedule"] as? String }) == ["gpipe", "1f1b", "interleaved"])
        #expect(Set(rows.compactMap { $0["transport"] as? String }) == ["threads", "processes"])
        // With GPipe first its ratio is that to GPipe, and there is one on the first transport alone.
        for row in rows {
            let first = row["ratio_to_first"] as? [String: Any]
            #expect(
                first?["value"] as? Double == (row["ratio_to_gpipe"] as? [String: Any])?["value"] as? Double
                    || row["transport"] as? String == "processes")
            #expect(first?["value"] is Double == (row["transport"] as? String == "threads"))
        }
        for row in rows {
            func figure(_ name: String) throws -> [String: Double] {
                let figure = try #require(row[name] as? [String: Double], "\(name)")
                let (value, low, high) = (figure["value"]!, figure["low"]!, figure["high"]!)
                #expect(low <= value && value <= high, "\(name)")
                return figure
            }
            let terms = [
                "work_s", "imbalance_s", "bubble_s", "transport_s", "oversubscription_s", "reduction_s", "optimizer_s",
            ]
            let sum = try terms.reduce(0) { try $0 + figure($1)["value"]! }
            let step = try figure("step_s")["value"]!
            #expect(abs(sum - step) <= step / 1000)
            #expect(try figure("handoff_us")["value"]! > 0)
            #expect(abs(try figure("tokens_per_s")["value"]! * step - 60) < 1e-6)
        }
    }

    @Test("of fewer than five trials there are no intervals: none in JSON, CSV, table or page, and a note says so")
    func tooFew() throws {
        let folder = try Folder()
        let page = folder.path("page.html")
        let report = try Command.json(["compare"] + Self.tooShort)
        // On a busy machine there is something to say of the runs behind it.
        #expect((report["notes"] as? [String])?.contains(Self.note) == true)
        for row in try #require(report["rows"] as? [[String: Any]]) {
            for (name, figure) in row {
                guard let figure = figure as? [String: Any] else { continue }
                if name == "ratio_to_first" && row["transport"] as? String != "threads" { continue }
                #expect(Set(figure.keys) == ["value", "low", "high"] && figure["value"] is Double, "\(name)")
                #expect(figure["low"] is NSNull && figure["high"] is NSNull, "\(name)")
            }
        }
        let csv = try Command.run(["compare", "--csv"] + Self.tooShort).output.split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false)
        }
        // Of a quiet machine there is nothing to note.
        for (name, field) in zip(csv[0], csv[1]) where name != "notes" {
            let isEnd = name.hasSuffix("_low") || name.hasSuffix("_high")
            #expect(field.isEmpty == isEnd, "\(name)")
        }
        let table = try Command.run(["compare", "--html", page] + Self.tooShort).output
        #expect(!table.contains("[") && !table.contains("±") && table.contains("too few trials for intervals"))
        #expect(table.contains("4 trials are too few to tell for 1F1B (x") && table.contains("note: \(Self.note)\n"))
        let text = try String(contentsOfFile: page, encoding: .utf8)
        #expect(text.contains("Note: \(Self.note).") && text.contains("Without intervals: 4 trials are too few"))
        #expect(text.matches(of: #/<small>\[/#).isEmpty && !text.contains("class=\"whisker"))
    }

    @Test("the CSV has three columns for each figure and one row for each combination") func csv() throws {
        let outcome = try Command.run(["compare", "--csv", "--schedule", "gpipe,1f1b"] + Self.short)
        let lines = outcome.output.split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false)
        }
        #expect(lines.count == 5 && lines.allSatisfy { $0.count == lines[0].count })
        #expect(
            lines[0].prefix(5).joined(separator: ",")
                == "schedule,transport,tokens_per_s,tokens_per_s_low,tokens_per_s_high")
        #expect(lines[1].prefix(2) == ["gpipe", "threads"] && lines[4].prefix(2) == ["1f1b", "processes"])
    }

    @Test("the table names every term, and two sentences say what it means") func table() throws {
        let outcome = try Command.run(["compare"] + Self.short)
        #expect(outcome.code == 0 && outcome.errors.isEmpty)
        let intervals = "95 % intervals, those of the 7 ratios together, ± to the farther end\n"
        #expect(outcome.output.contains("in turns; \(intervals)"))
        for word in [
            "tokens/s", "x threads", "x GPipe", "efficiency", "work", "imbalance", "bubble", "oversubscription",
            "transport", "optimizer", "one stage", "transport were free",
        ] {
            #expect(outcome.output.contains(word), "\(word)")
        }
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("Transport: ") } == 1 && lines.count { $0.hasPrefix("Schedule: ") } == 1)
    }

    @Test("one trial, or one combination, is a comparison too") func single() throws {
        let outcome = try Command.run(
            ["compare", "--trials", "1", "--measure", "1", "--schedule", "1f1b", "--transport", "threads"] + tiny)
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("Schedule: the largest loss is"))
    }
}
