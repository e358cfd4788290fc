import Foundation
import Testing

struct CompareTests {
    private static let short = ["--trials", "3", "--measure", "3", "--warmup", "1"] + tiny

    @Test("each row has the promised keys with intervals, and its terms add up to the step") func json() throws {
        let report = try Command.json(["compare"] + Self.short)
        let rows = try #require(report["rows"] as? [[String: Any]])
        #expect(rows.count == 6)
        #expect(Set(rows.compactMap { $0["schedule"] as? String }) == ["gpipe", "1f1b", "interleaved"])
        #expect(Set(rows.compactMap { $0["transport"] as? String }) == ["threads", "processes"])
        for row in rows {
            func figure(_ name: String) throws -> [String: Double] {
                let figure = try #require(row[name] as? [String: Double], "\(name)")
                let (value, low, high) = (figure["value"]!, figure["low"]!, figure["high"]!)
                #expect(low <= value && value <= high, "\(name)")
                return figure
            }
            let terms = ["work_s", "imbalance_s", "bubble_s", "transport_s", "oversubscription_s", "optimizer_s"]
            let sum = try terms.reduce(0) { try $0 + figure($1)["value"]! }
            let step = try figure("step_s")["value"]!
            #expect(abs(sum - step) <= step / 1000)
            #expect(try figure("handoff_us")["value"]! > 0)
            #expect(abs(try figure("tokens_per_s")["value"]! * step - 60) < 1e-6)
        }
    }

    @Test("the CSV has three columns for each figure and one row for each combination") func csv() throws {
        let outcome = try Command.run(["compare", "--csv", "--schedule", "gpipe,1f1b"] + Self.short)
        let lines = outcome.output.split(separator: "\n").map { $0.split(separator: ",") }
        #expect(lines.count == 5 && lines.allSatisfy { $0.count == lines[0].count })
        #expect(
            lines[0].prefix(5).joined(separator: ",")
                == "schedule,transport,tokens_per_s,tokens_per_s_low,tokens_per_s_high")
        #expect(lines[1].prefix(2) == ["gpipe", "threads"] && lines[4].prefix(2) == ["1f1b", "processes"])
    }

    @Test("the table names every term, and two sentences say what it means") func table() throws {
        let outcome = try Command.run(["compare"] + Self.short)
        #expect(outcome.code == 0 && outcome.errors.isEmpty)
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
