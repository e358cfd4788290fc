// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What `analyze` makes of rows with unequal numbers: the figures are those of `Data/made_up_results.py`, which knows nothing of
/// the program.
struct AnalyzeFigureTests {
    private struct Group: Decodable {
        let schedule: String
        let ranks: Int
        let summary: [String: Double]
        let cells: [String]
    }

    private let folder: Folder
    private let path: String
    private let groups: [Group]

    init() throws {
        folder = try Folder()
        let data = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Data")
        path = data.appending(path: "made_up_results.csv").path
        groups = try JSONDecoder().decode(
            [Group].self, from: Data(contentsOf: data.appending(path: "made_up_results.json")))
    }

    @Test("a summary has each group's medians, ratios, means of terms and counts") func summary() throws {
        let summary = folder.path("summary.csv")
        _ = try analyze(path, "--summary", summary)
        let lines = try String(contentsOfFile: summary, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        #expect(lines.count == 1 + groups.count && groups.count == 8)
        for group in groups {
            let row = try #require(
                lines.map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }.first {
                    $0["schedule"] == group.schedule && $0["Processes"] == "\(group.ranks)"
                })
            for (column, expected) in group.summary {
                let found = try #require(Double(row[column] ?? ""), "\(column) of \(row)")
                #expect(
                    abs(found - expected) <= 1e-12 * abs(expected), "\(column): \(found), not \(expected) of \(row)")
            }
        }
    }

    @Test("the table has the same, a line for each group, sorted by P and then by the schedule") func table() throws {
        let lines = try analyze(path).output.split(separator: "\n").filter { $0.hasPrefix("4L-6H") }
        // Cells are two blanks or more apart; those in brackets are intervals.
        let rows = lines.map { line in
            line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }.filter {
                !$0.isEmpty && !$0.hasPrefix("[")
            }
        }
        let order = ["gpipe", "1f1b", "zb-h1"]
        let sorted = groups.sorted { a, b in
            (a.ranks, order.firstIndex(of: a.schedule)!) < (b.ranks, order.firstIndex(of: b.schedule)!)
        }
        #expect(rows.count == sorted.count)
        for (row, group) in zip(rows, sorted) {
            let expected = group.cells
            #expect(row.count == expected.count)
            for (index, (cell, wanted)) in zip(row, expected).enumerated() where wanted != "?" {
                #expect(cell == wanted, "cell \(index) of \(row)")
            }
        }
    }
}
