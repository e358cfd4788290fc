// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct SweepResumeTests {
    private let folder: Folder
    private let out: String

    init() throws {
        folder = try Folder()
        out = folder.path("results.csv")
    }

    private func arguments(_ grid: [String]) -> [String] { ["sweep", "--out", out] + smallest + grid }

    private func write(_ bytes: some Collection<UInt8>) throws { try Data(bytes).write(to: URL(filePath: out)) }

    /// Puts the first bytes of a file in the place of another, runs a command, keeps what came of it, and takes some more.
    /// A shell does it, so that a test need not start hundreds of programs.
    private static let cutAndResume = """
        size=$1 end=$2 whole=$3 out=$4 step=$5
        shift 5
        while [ $size -lt $end ]; do
            head -c $size "$whole" > "$out" && "$@" > /dev/null 2> "$out.$size.errors" || exit 1
            mv "$out" "$out.$size"
            size=$((size + step))
        done
        """

    @Test("cut anywhere in its last two rows, a file has every run once after the sweep goes on", arguments: 0..<8)
    func cut(part: Int) throws {
        let grid = arguments(["--stages", "2", "--schedule", "gpipe,1f1b"])
        #expect(try Command.run(grid).code == 0)
        let bytes = Array(try Data(contentsOf: URL(filePath: out)))
        let runs = Set(try SweepFileContents(out).runs)
        let whole = try folder.file("whole", bytes)
        let rows = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }.suffix(3).dropLast()
        let (first, last) = (rows.first!, rows.last!)
        // Every byte is somewhere a cut; with a sanitizer, whose commands take ten times as long to start, every eighth.
        let step = Sanitizer.isOn ? 64 : 8
        let launcher = [
            "/bin/sh", "-c", Self.cutAndResume, "sh", "\(first + part)", "\(bytes.count)", whole, out, "\(step)",
        ]
        #expect(try Command.run(grid, through: launcher).code == 0)
        for size in stride(from: first + part, to: bytes.count, by: step) {
            let errors = try String(contentsOfFile: "\(out).\(size).errors", encoding: .utf8)
            // A row that lacks the end of its line alone is whole.
            let isWhole = rows.contains(size) || rows.contains(size + 1) || size + 1 == bytes.count
            let warning = isWhole ? "" : "ppthreads sweep: \(out): half a row at its end was cut off\n"
            #expect(errors == warning, "cut after \(size) bytes")
            let contents = try SweepFileContents("\(out).\(size)")
            #expect(contents.runs.count == 3 && Set(contents.runs) == runs, "cut after \(size) bytes")
            #expect(contents.text.utf8.starts(with: bytes[..<(size < last ? first : last)]), "cut after \(size) bytes")
        }
    }

    @Test("a row that analyze cannot use is none that a sweep leaves out") func unusableRow() throws {
        let grid = ["--schedule", "gpipe", "--no-baseline"]
        #expect(try Command.run(arguments(grid)).code == 0)
        var lines = try String(contentsOfFile: out, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let column = try #require(lines[0].firstIndex(of: "tokens_per_s"))
        lines[1][column] = "1.234.5"
        try write(lines.map { $0.joined(separator: ",") + "\n" }.joined().utf8)
        let outcome = try Command.run(arguments(grid))
        #expect(outcome.code == 65)
        #expect(
            outcome.errors
                == "ppthreads sweep: \(out): row 2: tokens_per_s is '1.234.5', not a number from 1e-15 to 1e15\n")
    }

    @Test("a failed run's row that was cut off before its reason is half a row") func cutReason() throws {
        let grid = arguments(["--schedule", "gpipe", "--no-baseline"])
        #expect(try Command.run(grid).code == 0)
        let whole = try SweepFileContents(out).runs
        var lines = try String(contentsOfFile: out, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let step = try #require(lines[0].firstIndex(of: "avg_step_time_s"))
        #expect(lines[0].last == "error" && lines[1].last == "")
        lines[1][step] = ""
        try write(lines.map { $0.joined(separator: ",") }.joined(separator: "\n").utf8)
        let outcome = try Command.run(grid)
        #expect(outcome.code == 0)
        #expect(outcome.errors.hasPrefix("ppthreads sweep: \(out): half a row at its end was cut off\n"))
        #expect(try SweepFileContents(out).runs == whole)
    }

    @Test("a header that was cut off is written anew") func cutHeader() throws {
        let grid = arguments(["--stages", "2", "--schedule", "gpipe", "--no-baseline"])
        #expect(try Command.run(grid).code == 0)
        let bytes = Array(try Data(contentsOf: URL(filePath: out)))
        let header = bytes.firstIndex(of: UInt8(ascii: "\n"))!
        for size in [0, 1, header - 1, header, header + 1] {
            try write(bytes[..<size])
            #expect(try Command.run(grid).code == 0)
            #expect(try SweepFileContents(out).rows.count == 1)
        }
    }

    @Test("a line with too few values is refused, wherever it stands, and the file stays as it is")
    func shortRow() throws {
        let grid = arguments(["--stages", "2", "--schedule", "gpipe"])
        #expect(try Command.run(grid).code == 0)
        let whole = try String(contentsOfFile: out, encoding: .utf8)
        try write((whole + "gpipe,2\n").utf8)
        let outcome = try Command.run(grid)
        #expect(outcome.code == 65 && outcome.errorLines.count == 1)
        #expect(try String(contentsOfFile: out, encoding: .utf8) == whole + "gpipe,2\n")

        let lines = whole.split(separator: "\n")
        let broken = "\(lines[0])\ngpipe,2\n\(lines[1])\n"
        try write(broken.utf8)
        let refused = try Command.run(grid)
        #expect(refused.code == 65)
        let columns = lines[0].split(separator: ",").count
        #expect(refused.errors == "ppthreads sweep: \(out): line 2 has 2 values, not \(columns)\n")
        #expect(try String(contentsOfFile: out, encoding: .utf8) == broken)
    }

    @Test(
        "a file that was saved with CRLF, a byte order mark, empty lines or quotes goes on, and stays as it is",
        arguments: ["CRLF", "mark", "empty lines", "quotes", "all"])
    func otherLines(form: String) throws {
        let grid = arguments(["--stages", "2", "--schedule", "gpipe,1f1b"])
        #expect(try Command.run(grid).code == 0)
        var text = try String(contentsOfFile: out, encoding: .utf8)
        if form == "quotes" || form == "all" {
            text =
                text.split(separator: "\n").map { line in
                    line.split(separator: ",", omittingEmptySubsequences: false).map { "\"\($0)\"" }.joined(
                        separator: ",")
                }.joined(separator: "\n") + "\n"
        }
        if form == "empty lines" || form == "all" { text = "\n\(text.replacing("\n", with: "\n\n"))" }
        if form == "CRLF" || form == "all" { text = text.replacing("\n", with: "\r\n") }
        if form == "mark" || form == "all" { text = "\u{FEFF}\(text)" }
        try write(text.utf8)
        let again = try Command.run(grid)
        #expect(again.code == 0 && again.errors.isEmpty)
        #expect(again.output.contains("3 runs, 0 of them failed, 3 were there before; "))
        #expect(try Data(contentsOf: URL(filePath: out)) == Data(text.utf8))

        let more = try Command.run(arguments(["--stages", "2", "--schedule", "gpipe,1f1b,zb-h1"]))
        #expect(more.code == 0 && more.output.contains("4 runs, 0 of them failed, 3 were there before; "))
        let bytes = try Data(contentsOf: URL(filePath: out))
        let added = String(decoding: bytes.dropFirst(text.utf8.count), as: UTF8.self)
        #expect(bytes.starts(with: text.utf8) && added.hasPrefix("zb-h1,2,") && added.hasSuffix(",\n"))
        #expect(!added.contains("\r") && added.unicodeScalars.count { $0 == "\n" } == 1)
        let table = try Command.run("analyze", out)
        #expect(table.code == 0 && table.errors.isEmpty && table.output.contains("results.csv: 4 rows, 4 groups"))
    }

    @Test("a quote that is not closed is cut off with half a row, and refused where it has taken in whole rows")
    func openQuote() throws {
        let grid = arguments(["--stages", "2", "--schedule", "gpipe"])
        #expect(try Command.run(grid).code == 0)
        let whole = try String(contentsOfFile: out, encoding: .utf8)
        for half in ["gpipe,2,\"4", "gpipe,2,\"4\n"] {
            try write((whole + half).utf8)
            let outcome = try Command.run(grid)
            #expect(outcome.code == 0 && outcome.errors.hasSuffix("half a row at its end was cut off\n"))
            #expect(try String(contentsOfFile: out, encoding: .utf8) == whole)
        }
        let lines = whole.split(separator: "\n")
        let broken = "\(lines[0])\n\n\"\(lines[1])\n\(lines[2])\n"
        try write(broken.utf8)
        let refused = try Command.run(grid)
        #expect(refused.code == 65)
        #expect(refused.errors == "ppthreads sweep: \(out): line 3 has a quote without its twin\n")
        #expect(try String(contentsOfFile: out, encoding: .utf8) == broken)
    }

    @Test("a file that is something else is refused with the first column that differs, and stays as it is")
    func foreignFile() throws {
        #expect(try Command.run(arguments(["--stages", "2", "--schedule", "gpipe"])).code == 0)
        let header = try SweepFileContents(out).names
        let cases = [
            ("to be or not to be", "its column 1 is 'to be or not to be', not 'schedule'"),
            ("a,b\n1,2\n", "its column 1 is 'a', not 'schedule'"),
            (header.prefix(13).joined(separator: ",") + "\n", "its header has no column 'transport'"),
            ((header + ["note"]).joined(separator: ",") + "\n", "its header has columns after 'error'"),
            (
                header.joined(separator: ",").replacing("loss", with: "lost") + "\n",
                "its column 34 is 'lost', not 'loss'"
            ),
        ]
        for (text, reason) in cases {
            try write(text.utf8)
            let outcome = try Command.run(arguments([]))
            #expect(outcome.code == 65)
            #expect(
                outcome.errors == "ppthreads sweep: \(out): is no file of this version's results: \(reason)\n")
            #expect(try String(contentsOfFile: out, encoding: .utf8) == text)
        }
    }

    @Test(
        "rows of another machine or build are not measured anew, and a note counts them",
        arguments: ["host", "commit"])
    func elsewhere(column: String) throws {
        let grid = arguments(["--stages", "2", "--schedule", "gpipe,1f1b", "--no-baseline"])
        #expect(try !Command.run(grid).output.contains("of another host"))
        let contents = try SweepFileContents(out)
        let value = try #require(contents.rows[0][column])
        let lines = contents.text.split(separator: "\n")
        let changed = lines[1].replacing(",\(value),", with: ",other,")
        try write("\(lines[0])\n\(changed)\n\(lines[2])\n".utf8)
        let outcome = try Command.run(grid)
        #expect(outcome.code == 0 && outcome.output.contains(" 2 were there before"))
        #expect(outcome.output.contains("note: 1 run is of another host, CPU, version or commit, and not measured"))
    }

    @Test(
        "a file that a sweep is writing to is refused to another one, until the first has gone",
        arguments: [SIGKILL, SIGINT])
    func twoSweeps(signal: Int32) throws {
        let first = try Command.Running(
            arguments(["--schedule", "gpipe", "--transport", "processes", "--measure", "10000", "--seq-len", "300"]))
        let deadline = Date.now.addingTimeInterval(20)
        while first.children.isEmpty && Date.now < deadline { usleep(2000) }
        let text = try String(contentsOfFile: out, encoding: .utf8)
        let second = try Command.run(arguments([]))
        #expect(second.code == 70)
        let process = first.process.processIdentifier
        #expect(second.errors == "ppthreads sweep: \(out): another sweep (process \(process)) is writing to it\n")
        #expect(try String(contentsOfFile: out, encoding: .utf8) == text)
        kill(process, signal)
        #expect(first.wait().code == (signal == SIGKILL ? signal : 128 + signal))
        #expect(try Command.run(arguments(["--schedule", "gpipe"])).code == 0)
        #expect(try SweepFileContents(out).rows.count == 2)
    }

    @Test("killed at any moment, a sweep goes on where it was and has every run once") func kills() throws {
        let grid = arguments(["--stages", "1,2,4", "--transport", "threads,processes,unix", "--repeat", "3"])
        var whole: [String] = []
        for delay in (0..<10).map({ _ in UInt32.random(in: 1000...60_000) }) {
            let running = try Command.Running(grid)
            usleep(delay)
            kill(running.process.processIdentifier, SIGKILL)
            _ = running.wait()
            guard let text = try? String(contentsOfFile: out, encoding: .utf8) else { continue }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
            #expect(lines.starts(with: whole), "no row was lost or changed after \(delay) microseconds")
            whole = lines
        }
        #expect(try Command.run(grid).code == 0)
        let contents = try SweepFileContents(out)
        #expect(contents.text.split(separator: "\n").map(String.init).starts(with: whole))
        #expect(contents.rows.count == 3 * 27 && Set(contents.runs).count == contents.rows.count)
    }

    @Test(
        "a row that lacks nothing but the end of its line is kept, and so is one in capitals; another line is refused")
    func wholeLastRow() throws {
        let grid = arguments(["--stages", "2", "--schedule", "gpipe", "--no-baseline"])
        #expect(try Command.run(grid).code == 0)
        let text = try String(contentsOfFile: out, encoding: .utf8)
        try write(text.dropLast().replacing("false", with: "FALSE").utf8)
        let again = try Command.run(grid)
        #expect(again.code == 0 && !again.errors.contains("cut off"))
        #expect(again.output.contains("1 were there before"))
        #expect(try String(contentsOfFile: out, encoding: .utf8) == text.replacing("false", with: "FALSE"))
        try write((text + "# measured on a quiet day\n").utf8)
        let strange = try Command.run(grid)
        #expect(strange.code == 65 && strange.errors.contains("line 3 has 1 values"))
        #expect(try String(contentsOfFile: out, encoding: .utf8).hasSuffix("day\n"))
    }
}
