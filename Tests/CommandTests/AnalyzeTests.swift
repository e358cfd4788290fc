import Foundation
import FoundationXML
import Testing

struct AnalyzeTests {
    // MARK: Inputs

    private static let header =
        "schedule,world_size,layers,heads,hidden_dim,microbatches,threads,avg_step_time_s,total_time_s,tokens_per_s,"
        + "timestamp,transport,virtual_stages,work_s,imbalance_s,bubble_s,oversubscription_s,transport_s,optimizer_s,"
        + "repeat,host,cpu,error"

    /// A row as `run --emit-csv` and `sweep` write it.
    private static func row(
        _ schedule: String, ranks: Int = 2, layers: Int = 4, heads: Int = 4, tokens: String = "1000",
        repetition: Int = 1, minute: Int = 0,
        threads: Int = 1, microbatches: Int = 4, transport: String = "threads", host: String = "box", error: String = ""
    ) -> String {
        let step = error.isEmpty && Double(tokens) ?? 0 > 0 ? "\(512 / Double(tokens)!)" : error.isEmpty ? "0.5" : ""
        let terms = error.isEmpty ? "0.2,0.05,0.1,0,0.1,0.05" : ",,,,,"
        let time = "2026-01-01T00:\(minute < 10 ? "0" : "")\(minute):00Z"
        return
            "\(schedule),\(ranks),\(layers),\(heads),240,\(microbatches),\(threads),\(step),\(step),\(error.isEmpty ? tokens : ""),"
            + "\(time),\(transport),1,\(terms),\(repetition),\(host),cpu,\(error)"
    }

    private let folder: Folder
    init() throws { folder = try Folder() }

    private func csv(_ rows: String...) throws -> String { try csv(rows) }

    private func csv(_ rows: [String]) throws -> String {
        try folder.file("results.csv", Array(([Self.header] + rows).joined(separator: "\n").utf8))
    }

    private func analyze(_ path: String, _ flags: String...) throws -> Command.Outcome {
        let outcome = try Command.run(["analyze", path] + flags)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome
    }

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

    // MARK: Figures

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

    @Test("the reference runner's thirteen columns are enough") func referenceRows() throws {
        let path = try folder.file(
            "raw.csv",
            Array(
                """
                schedule,world_size,layers,heads,hidden_dim,seq_len,batch_size,microbatches,threads,avg_step_time_s,total_time_s,tokens_per_s,timestamp
                gpipe,2,4,4,240,64,8,4,1,0.8,0.8,640.0,2025-09-20 10:00:00
                1f1b,2,4,4,240,64,8,4,1,0.64,0.64,800.0,2025-09-20 10:00:01
                """.utf8))
        #expect(try summary(path).map { $0["Speedup vs GPipe"] } == ["1.0", "1.25"])
    }

    @Test("of rows with the same settings and repeat the newest counts, wherever it is; others are a sample")
    func sample() throws {
        let path = try csv(
            Self.row("gpipe", tokens: "500", minute: 5), Self.row("gpipe", tokens: "900", minute: 1),
            Self.row("gpipe", tokens: "700", repetition: 2), Self.row("gpipe", tokens: "600", repetition: 3))
        let rows = try summary(path)
        #expect(rows.count == 1 && rows[0]["Runs"] == "3")
        #expect(rows[0]["Tokens per Second"] == "600.0")
        let output = try analyze(path).output
        #expect(output.contains("600.0  [500.0, 700.0]"))
        #expect(output.contains("note: 1 row left out for a newer one"))
    }

    @Test("scaling efficiency is over the one-stage run of the same threads, the reference's over GPipe")
    func efficiency() throws {
        let rows = try summary(
            try csv(
                Self.row("gpipe", ranks: 1, tokens: "9999"), Self.row("gpipe", ranks: 1, tokens: "600", threads: 2),
                Self.row("gpipe", tokens: "900", threads: 2, transport: "unix"),
                Self.row("1f1b", tokens: "990", threads: 2, transport: "unix")))
        let row = try #require(rows.first { $0["schedule"] == "1f1b" })
        #expect(abs(Double(row["True Efficiency (%)"]!)! - 82.5) < 1e-9)
        #expect(abs(Double(row["Scaling Efficiency (%)"]!)! - 55) < 1e-9)
        #expect(row["bubble_s"] == "0.1" && row["transport"] == "unix")
    }

    @Test("without a GPipe run of the same settings and machine there is no speedup, and a note says so")
    func gaps() throws {
        let path = try csv(
            Self.row("gpipe", host: "one"), Self.row("1f1b", host: "two"),
            Self.row("1f1b", microbatches: 2, host: "one"),
            Self.row("interleaved", host: "one", error: "rank 1 died"))
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
            try csv(
                Self.row("gpipe"), Self.row("1f1b", tokens: "fast"), Self.row("1f1b", tokens: "nan"),
                Self.row("1f1b", tokens: "inf"), "gpipe,2,4", Self.row("1f1b", tokens: "2000")))
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
            Self.row($0 % 2 == 0 ? "1f1b" : "gpipe", tokens: "\(1000 + $0)", threads: $0 / 2 + 1)
        }
        let path = try csv(rows)
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
        let path = try csv(
            sizes.enumerated().map { Self.row("gpipe", tokens: "\(100 + $0)", microbatches: $1) })
        let rows = try summary(path)
        #expect(rows.map { $0["microbatches"] } == ["2", "4", "8", "16", "128"])
        #expect(rows.map { $0["Tokens per Second"] } == ["105.0", "100.0", "104.0", "106.0", "103.0"])
    }

    @Test("fields in quotes may hold commas, quotes and ends of lines; a summary is a results CSV itself")
    func quoted() throws {
        let path = try csv(
            Self.row("gpipe", host: "\"a, \"\"b\"\"\n<c>\""),
            Self.row("1f1b", tokens: "1500", host: "\"a, \"\"b\"\"\n<c>\""))
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

    // MARK: Plots and page

    @Test("each plot that the figures allow is a well-formed file, and the others are told of") func plots() throws {
        var rows: [String] = []
        for (ranks, microbatches) in [(1, 2), (1, 4), (2, 2), (2, 4)] {
            for (layers, schedule) in [(4, "gpipe"), (4, "1f1b"), (8, "gpipe"), (8, "1f1b")] {
                rows += (0...1).map { repetition in
                    Self.row(
                        schedule, ranks: ranks, layers: layers, tokens: "\(900 + repetition)", repetition: repetition,
                        microbatches: microbatches)
                }
            }
        }
        let path = try csv(rows)
        #expect(!(try analyze(path, "--svg", folder.url.path).output.contains("no plot")))
        for name in ["layers", "losses", "speedup", "efficiency", "breakdown", "microbatches", "formula"] {
            let text = try String(contentsOfFile: folder.path("\(name).svg"), encoding: .utf8)
            #expect(XMLParser(data: Data(text.utf8)).parse(), "\(name)")
            #expect(text.contains("prefers-color-scheme: dark") && !text.contains("var(--"))
            #expect(text.contains("(ms)") || text.contains("%") || text.contains("tokens/s"))
        }
        let few = try analyze(try csv(Self.row("gpipe", ranks: 1))).output
        for name in ["layers", "losses", "speedup", "efficiency", "microbatches", "formula"] {
            #expect(few.contains("no plot \(name): "))
        }
    }

    @Test("models with other heads share a panel against layers, and a bar of what is lost") func overview() throws {
        var rows: [String] = []
        for (layers, heads) in [(4, 4), (4, 8), (8, 4), (8, 8)] {
            rows.append(Self.row("gpipe", layers: layers, heads: heads))
            rows.append(Self.row("1f1b", layers: layers, heads: heads, tokens: "\(1000 + layers * 10 + heads)"))
        }
        _ = try analyze(try csv(rows), "--svg", folder.url.path)
        let layers = try String(contentsOfFile: folder.path("layers.svg"), encoding: .utf8)
        #expect(layers.split(separator: ">layers (v").count == 2)
        for speedup in ["1.044", "1.048", "1.084", "1.088"] { #expect(layers.contains("speedup  \(speedup)")) }
        let losses = try String(contentsOfFile: folder.path("losses.svg"), encoding: .utf8)
        #expect(losses.split(separator: ">60.0 % 1F1B<").count == 3)
        #expect(losses.contains(">4 layers, P=2, M=4, threads<") && losses.contains(">8 layers, P=2, M=4, threads<"))
    }

    /// A shell's words that print what every PNG begins with, and then a file.
    static let likePNG = #"printf '\211PNG\r\n\032\n' | /bin/cat -"#

    /// Analyzes runs with `--png`, with such a program in the only folder of `PATH`.
    private func png(
        _ name: String, _ script: String, _ rows: [String] = [row("gpipe"), row("1f1b", tokens: "1500")]
    ) throws -> Command.Outcome {
        try folder.program(name, "#!/bin/sh\n\(script)\n")
        let path = try csv(rows)
        return try Command.run(
            ["analyze", path, "--png", folder.url.path], through: ["/usr/bin/env", "PATH=\(folder.url.path)"])
    }

    @Test("each plot becomes a PNG by the program that PATH has, in colours on white") func pngs() throws {
        let outcome = try png(
            "rsvg-convert", #"\#(Self.likePNG) "$9" > "$8" && [ "$1 $2 $7" = "--zoom 2 --output" ]"#)
        #expect(outcome.code == 0, "\(outcome.errors)")
        for name in ["losses", "speedup", "efficiency", "breakdown"] {
            let bytes = try Data(contentsOf: URL(filePath: folder.path("\(name).png")))
            let text = String(decoding: bytes.dropFirst(8), as: UTF8.self)
            #expect(XMLParser(data: Data(text.utf8)).parse(), "\(name)")
            #expect(text.contains("fill: #ffffff") && !text.contains("dark"))
        }
    }

    @Test("a plot that is too high for a PNG is left out, and a line says so") func highPlot() throws {
        let rows = (0..<300).map { Self.row("gpipe", threads: $0 + 1) }
        let outcome = try png("rsvg-convert", #"\#(Self.likePNG) "$9" > "$8""#, rows)
        #expect(outcome.code == 0 && outcome.errorLines.allSatisfy { $0.hasSuffix("; left out, --svg has it") })
        #expect(outcome.errors.contains("ppthreads analyze: --png: breakdown is "))
        #expect(!FileManager.default.fileExists(atPath: folder.path("breakdown.png")))
    }

    @Test(
        "without a program for PNGs, or with one that fails, lines say so",
        arguments: [
            ("other", "exit 0", 69, "PATH has no rsvg-convert, inkscape, chromium, "),
            (
                "rsvg-convert", #"/bin/cp "$9" "$8"; exit 1"#, 70,
                "/rsvg-convert ended with code 1 and made no PNG of losses.svg"
            ),
            ("inkscape", "exit 0", 70, "/inkscape ended with code 0 and made no PNG of losses.svg"),
            (
                "rsvg-convert", #"echo no picture > "$8""#, 70,
                "/rsvg-convert ended with code 0 and made no PNG of losses.svg"
            ),
        ])
    func noPNGs(name: String, script: String, code: Int32, line: String) throws {
        let outcome = try png(name, script)
        #expect(outcome.code == code && outcome.errors.contains(line))
        #expect(outcome.errorLines.count == (code == 69 ? 1 : 4), "a line for each plot that was not made")
        #expect(outcome.errorLines.allSatisfy { $0.hasPrefix("ppthreads analyze: --png: ") })
        #expect(!FileManager.default.fileExists(atPath: folder.path("losses.png")))
    }

    @Test("the page is well-formed, needs nothing outside of itself, and takes names as text") func page() throws {
        let file = folder.path("page.html")
        let path = try csv(Self.row("gpipe", host: "<b>&'x'"), Self.row("1f1b", tokens: "1500", host: "<b>&'x'"))
        _ = try analyze(path, "--html", file)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(unbalancedTags(text).isEmpty)
        #expect(!text.contains("<b>") && text.contains("&lt;b&gt;"))
        #expect(["http://", "https://", "src=", "href=", "@import", "<link"].allSatisfy { !text.contains($0) })
        #expect(text.contains("ppthreads analyze \(path) --html \(file)"))
        #expect(text.contains("speedup  1.500"))
    }
}
