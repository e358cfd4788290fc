// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A sweep that goes on with the file of an earlier version.
struct SweepOlderFormatTests {
    private let folder: Folder
    private let out: String

    init() throws {
        folder = try Folder()
        out = folder.path("results.csv")
    }

    private func arguments(_ grid: [String]) -> [String] { ["sweep", "--out", out] + smallest + grid }

    private func write(_ bytes: some Collection<UInt8>) throws { try Data(bytes).write(to: URL(filePath: out)) }

    private static let newColumns = [
        "lr", "seed", "data", "init", "timeline", "tries", "disturbance", "memory_planned_bytes", "memory_total_bytes",
    ]

    @Test(
        "a file of an older format gets the columns that it lacks, empty, and its runs are measured anew",
        arguments: ["LF", "CRLF", "half a row", "no end"])
    func olderFormat(form: String) throws {
        let grid = arguments(["--stages", "2", "--schedule", "gpipe"])
        #expect(try Command.run(grid).code == 0)
        let whole = try SweepFileContents(out)
        for lacking in [Self.newColumns, Self.newColumns + ["commit"], Self.newColumns + ["pin", "commit"]] {
            let names = whole.names.filter { !lacking.contains($0) }
            let lines = [names] + whole.rows.map { row in names.map { $0 == "format" ? "3" : row[$0]! } }
            var text = lines.map { $0.joined(separator: ",") + "\n" }.joined()
            if form == "CRLF" { text = "\u{FEFF}" + text.replacing("\n", with: "\r\n\r\n") }
            if form == "half a row" { text += "gpipe,2,4" }
            if form == "no end" { text.removeLast() }
            try write(text.utf8)
            let outcome = try Command.run(grid)
            let told = whole.names.filter(lacking.contains).joined(separator: ", ")
            let notes = outcome.errorLines
            #expect(outcome.code == 0 && notes.count == (form == "half a row" ? 2 : 1))
            let reason = "its rows are of an older format, which does not tell \(told); they stay"
            #expect(notes.last?.hasPrefix("ppthreads sweep: \(out): \(reason)") == true)
            #expect(outcome.output.contains("2 runs, 0 of them failed, 0 were there before; "))

            let rows = try SweepFileContents(out).rows
            #expect(try rows.count == 4 && SweepFileContents(out).names == whole.names)
            for (old, row) in zip(whole.rows, rows) {
                for name in names { #expect(row[name] == (name == "format" ? "3" : old[name])) }
                for name in lacking { #expect(row[name] == "") }
            }
            #expect(rows[2...].allSatisfy { $0["lr"] == "0.0003" && $0["format"] == "7" })
            let again = try Command.run(grid)
            #expect(again.errors.isEmpty && again.output.contains(" 2 were there before; "))
            let table = try Command.run("analyze", out)
            #expect(table.errors.isEmpty && table.output.contains("results.csv: 4 rows, 4 groups"))
        }
    }

    @Test("a file that lacks figures alone gets them, empty, and its runs are not measured anew") func figuresAlone()
        throws
    {
        let grid = arguments(["--stages", "2", "--schedule", "gpipe", "--no-baseline"])
        #expect(try Command.run(grid).code == 0)
        let whole = try SweepFileContents(out)
        let lacking = ["tokens_per_s_median", "tokens_per_s_delivered", "throttled", "stolen", "notes"]
        let names = whole.names.filter { !lacking.contains($0) }
        #expect(names.count == whole.names.count - lacking.count)
        let lines = [names] + whole.rows.map { row in names.map { row[$0]! } }
        try write(lines.map { $0.joined(separator: ",") + "\n" }.joined().utf8)
        let outcome = try Command.run(grid)
        #expect(outcome.output.contains("1 run, 0 of them failed, 1 were there before"))
        #expect(
            outcome.errorLines == [
                "ppthreads sweep: \(out): its rows are of an older format, which does not tell "
                    + "\(lacking.joined(separator: ", ")); they stay, with these empty"
            ])
        let rows = try SweepFileContents(out).rows
        #expect(rows.count == 1 && lacking.allSatisfy { rows[0][$0] == "" })
    }

    @Test("what a file of an older format says stays: ends of lines in quotes; bytes that are no text are refused")
    func olderFormatValues() throws {
        #expect(try Command.run(arguments(["--schedule", "gpipe", "--no-baseline"])).code == 0)
        let whole = try SweepFileContents(out)
        let names = whole.names.filter { !Self.newColumns.contains($0) }
        let cells = names.map { $0 == "host" ? "HOST" : whole.rows[0][$0]! }
        let text = names.joined(separator: ",") + "\n" + cells.joined(separator: ",") + "\n"
        try write(text.replacing("HOST", with: "\"a\nb \"\"c\"\"\"").utf8)
        #expect(try Command.run(arguments(["--schedule", "gpipe", "--no-baseline"])).code == 0)
        #expect(try String(contentsOfFile: out, encoding: .utf8).contains(",\"a\nb \"\"c\"\"\","))

        let odd = text.utf8.map { $0 == UInt8(ascii: "H") ? 0xFF : $0 }
        try write(odd)
        let outcome = try Command.run(arguments(["--schedule", "gpipe"]))
        #expect(outcome.code == 65 && outcome.errors.contains("it has bytes that are not UTF-8"), "\(outcome.errors)")
        #expect(try Array(Data(contentsOf: URL(filePath: out))) == odd)
    }

    @Test("a file of an older format with a row that cannot be used stays as it is") func olderFormatBadRow() throws {
        #expect(try Command.run(arguments(["--stages", "2", "--schedule", "gpipe"])).code == 0)
        let names = try SweepFileContents(out).names.filter { !Self.newColumns.contains($0) }
        let text = names.joined(separator: ",") + "\n" + names.map { _ in "x" }.joined(separator: ",") + "\n"
        try write(text.utf8)
        let outcome = try Command.run(arguments([]))
        #expect(outcome.code == 65 && outcome.errors.contains("row 2: layers is 'x', not a whole number"))
        #expect(try String(contentsOfFile: out, encoding: .utf8) == text)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["results.csv"])
    }
}
