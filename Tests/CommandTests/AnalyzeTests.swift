// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct AnalyzeTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    /// The rows of a summary of a file, as dictionaries.
    private func summary(_ path: String) throws -> [[String: String]] {
        let summary = folder.path("summary.csv")
        _ = try analyze(path, "--summary", summary)
        return try Self.table(String(contentsOfFile: summary, encoding: .utf8))
    }

    /// A CSV without quotes.
    private static func table(_ text: String) -> [[String: String]] {
        let rows = text.split(separator: "\n").map { row in
            row.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        return rows.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(rows[0], $0)) }
    }

    private static let data = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Data")

    @Test("the reference study's summary gives its own speedups and percentages") func referenceSummary() throws {
        let path = Self.data.appending(path: "reference_summary.csv").path
        let published = Self.table(try String(contentsOfFile: path, encoding: .utf8))
        let own = try summary(path)
        #expect(own.count == 12 && published.count == 12)
        for row in published {
            let same = own.first { other in
                ["layers", "heads", "Processes", "schedule"].allSatisfy { other[$0] == row[$0] }
            }
            for (column, value) in row {
                #expect(Double(same?[column] ?? "") == Double(value) && (same?[column] != nil), "\(column) of \(row)")
            }
        }
        let text = try String(contentsOfFile: folder.path("summary.csv"), encoding: .utf8)
        let header = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")[0]
        #expect(text.hasPrefix(header + ","))
    }

    @Test(
        "the reference runner's thirteen columns are enough, in whatever letters schedules are called",
        arguments: [("gpipe", "1f1b"), ("GPIPE", "1F1B"), ("GPipe", "1f1B")])
    func referenceRows(gpipe: String, oneFOneB: String) throws {
        let path = try folder.file(
            "raw.csv",
            Array(
                """
                schedule,world_size,layers,heads,hidden_dim,seq_len,batch_size,microbatches,threads,avg_step_time_s,total_time_s,tokens_per_s,timestamp
                \(gpipe),2,4,4,240,64,8,4,1,0.8,0.8,640.0,2025-09-20 10:00:00
                \(oneFOneB),2,4,4,240,64,8,4,1,0.64,0.64,800.0,2025-09-20 10:00:01
                """.utf8))
        #expect(try summary(path).map { $0["Speedup vs GPipe"] } == ["1.0", "1.25"])
    }

    @Test("of rows with the same settings and repeat the newest counts, wherever it is; others are a sample")
    func sample() throws {
        let path = try folder.csv(
            resultsRow("gpipe", tokens: "500", minute: 5), resultsRow("gpipe", tokens: "900", minute: 1),
            resultsRow("gpipe", tokens: "700", repetition: 2), resultsRow("gpipe", tokens: "600", repetition: 3))
        let rows = try summary(path)
        #expect(rows.count == 1 && rows[0]["Runs"] == "3")
        #expect(rows[0]["Tokens per Second"] == "600.0")
        let output = try analyze(path).output
        #expect(output.contains("600.0") && !output.contains("["))
        #expect(output.contains("note: 1 group with fewer than 5 repeats, which are too few for an interval"))
        #expect(output.contains("note: 1 row left out for a newer one"))
    }

    @Test("five repeats have intervals, and those of all speedups hold together") func intervals() throws {
        let tokens = [500, 540, 470, 610, 505]
        let rows = tokens.enumerated().flatMap { index, tokens in
            [("gpipe", 1.0), ("1f1b", 1.2), ("interleaved", 1.5)].map { schedule, factor in
                resultsRow(schedule, tokens: "\(Double(tokens) * factor)", repetition: index + 1)
            }
        }
        let output = try analyze(try folder.csv(rows)).output
        #expect(
            output.contains(
                "; medians over repeats with 95 % intervals, those of the 2 ratios to GPipe together\n"))
        #expect(output.contains("505.0  [470.0, 610.0]"))
        #expect(output.contains("1.200  [1.200, 1.200]") && output.contains("1.500  [1.500, 1.500]"))
        #expect(!output.contains("too few"))
    }

    @Test("scaling efficiency is over the one-stage run of the same threads, the reference's over GPipe")
    func efficiency() throws {
        let rows = try summary(
            try folder.csv(
                resultsRow("gpipe", ranks: 1, tokens: "9999"), resultsRow("gpipe", ranks: 1, tokens: "600", threads: 2),
                resultsRow("gpipe", tokens: "900", threads: 2, transport: "unix"),
                resultsRow("1f1b", tokens: "990", threads: 2, transport: "unix")))
        let row = try #require(rows.first { $0["schedule"] == "1f1b" })
        #expect(abs(Double(row["True Efficiency (%)"]!)! - 82.5) < 1e-9)
        #expect(abs(Double(row["Scaling Efficiency (%)"]!)! - 55) < 1e-9)
        #expect(row["bubble_s"] == "0.1" && row["transport"] == "unix")
    }

    @Test("without a GPipe run of the same settings and machine there is no speedup, and a note says so")
    func gaps() throws {
        let path = try folder.csv(
            resultsRow("gpipe", host: "one"), resultsRow("1f1b", host: "two"),
            resultsRow("1f1b", microbatches: 2, host: "one"),
            resultsRow("interleaved", host: "one", error: "rank 1 died"))
        let rows = try summary(path).filter { $0["schedule"] != "gpipe" }
        #expect(rows.count == 3 && rows.allSatisfy { $0["Speedup vs GPipe"] == "" && $0["True Efficiency (%)"] == "" })
        #expect(rows.filter { $0["error"] == "rank 1 died" }.count == 1)
        let output = try analyze(path).output
        #expect(output.contains("note: the file has runs of 2 machines, which are not compared with each other"))
        #expect(output.contains("note: 2 groups of 3 without a GPipe run"))
        #expect(output.contains("note: no run of Interleaved-1F1B, 4L-4H, P=2, M=4, threads, host one: rank 1 died"))
    }

    @Test("rows that cannot be read are told of by their numbers, and the others count") func badRows() throws {
        let outcome = try analyze(
            try folder.csv(
                resultsRow("gpipe"), resultsRow("1f1b", tokens: "fast"), resultsRow("1f1b", tokens: "nan"),
                resultsRow("1f1b", tokens: "inf"), "gpipe,2,4", resultsRow("1f1b", tokens: "2000")))
        let lines = outcome.errorLines.map { $0.split(separator: "results.csv: ").last! }
        #expect(
            lines == [
                "row 3: tokens_per_s is 'fast', not a number from 1e-15 to 1e15; left out",
                "row 4: tokens_per_s is 'nan', not a number from 1e-15 to 1e15; left out",
                "row 5: tokens_per_s is 'inf', not a number from 1e-15 to 1e15; left out",
                "row 6: has 3 fields, the header 23; left out",
            ])
        #expect(outcome.output.contains("2.000") && outcome.output.contains("note: 4 rows left out that could not"))
    }

    @Test("of many groups table, page and plots show what one can look at, and say what they leave out") func many()
        throws
    {
        let rows = (0..<1200).map {
            resultsRow($0 % 2 == 0 ? "1f1b" : "gpipe", tokens: "\(1000 + $0)", threads: $0 / 2 + 1)
        }
        let path = try folder.csv(rows)
        let page = folder.path("page.html")
        let output = try analyze(path, "--html", page, "--svg", folder.url.path).output
        #expect(output.split(separator: "\n").count { $0.hasPrefix("4L-4H") } == 200)
        #expect(output.contains("note: the first 200 of 1 200 groups are shown; --summary FILE writes them all"))
        #expect(
            output.contains(
                "no plot layers, losses, speedup, efficiency, breakdown, microbatches, formula: 1 200 groups are more"))
        #expect(output.contains("note: 1 200 groups of 1 200 without a one-stage run"))
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("the first 1 000 of 1 200 groups are shown"))
        let all = try summary(path)
        let threads = (0..<1200).map { String($0 / 2 + 1) }
        let speedups = (0..<1200).map { $0 % 2 == 0 ? "1.0" : "\(Double(999 + $0) / Double(1000 + $0))" }
        #expect(all.map { $0["threads"] } == threads)
        #expect(all.map { $0["schedule"] } == (0..<600).flatMap { _ in ["gpipe", "1f1b"] })
        #expect(all.map { $0["Speedup vs GPipe"] } == speedups)
    }

    @Test("settings are in the order of their sizes, whatever the order of rows; of rows alike the newest counts")
    func order() throws {
        let sizes = [4, 16, 2, 128, 8, 2, 16]
        let path = try folder.csv(
            sizes.enumerated().map { resultsRow("gpipe", tokens: "\(100 + $0)", microbatches: $1) })
        let rows = try summary(path)
        #expect(rows.map { $0["microbatches"] } == ["2", "4", "8", "16", "128"])
        #expect(rows.map { $0["Tokens per Second"] } == ["105.0", "100.0", "104.0", "106.0", "103.0"])
    }

    @Test("fields in quotes may hold commas, quotes and ends of lines; a summary is a results CSV itself")
    func quoted() throws {
        let path = try folder.csv(
            resultsRow("gpipe", host: "\"a, \"\"b\"\"\n<c>\""),
            resultsRow("1f1b", tokens: "1500", host: "\"a, \"\"b\"\"\n<c>\""))
        let (first, second) = (folder.path("first.csv"), folder.path("second.csv"))
        #expect(try analyze(path, "--summary", first).output.contains("1.500"))
        _ = try analyze(first, "--summary", second)
        let text = try String(contentsOfFile: first, encoding: .utf8)
        #expect(text == (try String(contentsOfFile: second, encoding: .utf8)))
        #expect(text.contains("\"a, \"\"b\"\"\n<c>\""))
    }

    @Test("what run --emit-csv prints is read") func ownRun() throws {
        let run = try Command.run(["run", "--emit-csv", "--measure", "2"] + tiny)
        let path = try folder.file("run.csv", Array(run.output.utf8))
        let output = try analyze(path).output
        #expect(output.contains("4L-2H") && output.contains("bubble, %"))
    }
}
