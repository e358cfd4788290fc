// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

/// The schema of results: what follows from it, and the docs.
struct ResultColumnTests {
    private static func document(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8)
    }

    /// The rows of the first table below a heading.
    private static func table(_ text: String, below heading: String) throws -> [String] {
        let below = try #require(text.range(of: heading))
        let lines = text[below.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix("| ---") })
        return lines[(start + 1)...].prefix { $0.hasPrefix("|") }.map(String.init)
    }

    @Test("the table of the CSV's columns in the docs is the schema's") func columns() throws {
        let rows = ResultColumn.all.map { column in
            "| `\(column.name)` | \(column.jsonKey.map { "`\($0)`" } ?? "-") | \(column.unit) | \(column.meaning) |"
        }
        let found = try Self.table(try Self.document("commands.md"), below: "### The CSV's columns")
        #expect(found == rows, "docs/commands.md should have:\n\(rows.joined(separator: "\n"))")
    }

    @Test("the terms of the breakdown are defined in the docs as in the program") func terms() throws {
        let rows = Breakdown.Term.allCases.map { "| \($0.rawValue) | \($0.meaning) |" }
        let found = try Self.table(try Self.document("measuring.md"), below: "## Where a step goes")
        #expect(found == rows, "docs/measuring.md should have:\n\(rows.joined(separator: "\n"))")
    }

    @Test("the kinds of memory are defined in the docs as in the program") func memory() throws {
        let rows = MemoryKind.allCases.map { "| \($0.label) | \($0.meaning) |" }
        let found = try Self.table(try Self.document("measuring.md"), below: "## Memory")
        #expect(found == rows, "docs/measuring.md should have:\n\(rows.joined(separator: "\n"))")
    }

    @Test("a column has a name of its own, and a key of its own in JSON") func names() {
        let names = ResultColumn.all.map(\.name)
        let keys = ResultColumn.all.compactMap(\.jsonKey)
        #expect(Set(names).count == names.count && Set(keys).count == keys.count)
        #expect(names.first == "schedule" && names.last == "error")
    }

    @Test("groups are sorted by machine, model and pipeline, and by the schedule and v at last") func settings() {
        let names = RunSetting.allCases.map(\.name)
        #expect(names.prefix(7) == ["host", "cpu", "layers", "heads", "world_size", "microbatches", "transport"])
        #expect(names.suffix(5) == ["warmup_steps", "measure_steps", "timeline", "schedule", "virtual_stages"])
        #expect(Set(names).count == names.count)
    }
}
