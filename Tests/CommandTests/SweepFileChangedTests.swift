// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A sweep whose file somebody else removes, replaces or changes while it runs.
struct SweepFileChangedTests {
    private let folder: Folder
    private let out: String

    init() throws {
        folder = try Folder()
        out = folder.path("results.csv")
    }

    /// Starts a sweep of several runs, each of which takes a second or so, and waits until the first one is on its way.
    private func start(_ flags: [String] = []) throws -> Command.Running {
        let sweep = try Command.Running(
            ["sweep", "--out", out] + smallest + [
                "--schedule", "gpipe,1f1b", "--transport", "processes", "--measure", "60", "--seq-len", "60",
            ] + flags)
        let deadline = Date.now.addingTimeInterval(20)
        while sweep.children.isEmpty && Date.now < deadline { usleep(2000) }
        try #require(!sweep.children.isEmpty)
        return sweep
    }

    struct Change: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let reason: String
        /// Run by a shell with the file's path as $1.
        let script: String
    }

    static let changes = [
        Change(testDescription: "removed", reason: "was removed or moved meanwhile", script: "rm $1"),
        Change(testDescription: "moved", reason: "was removed or moved meanwhile", script: "mv $1 $1.old"),
        Change(
            testDescription: "replaced by a copy", reason: "was replaced by another file meanwhile",
            script: "cp $1 $1.new && mv $1.new $1"),
        Change(
            testDescription: "replaced by a folder", reason: "was replaced by another file meanwhile",
            script: "rm $1 && mkdir $1"),
        Change(
            testDescription: "grown", reason: "another program has changed it", script: "echo row >> $1"),
        Change(testDescription: "cut", reason: "another program has changed it", script: ": > $1"),
    ]

    @Test("a sweep whose file is no longer its own stops with the reason, and prints the row", arguments: changes)
    func changed(change: Change) throws {
        let sweep = try start()
        #expect(try ChildProcess(["/bin/sh", "-c", change.script, "sh", out]).wait().code == 0)
        let after = try? Data(contentsOf: URL(filePath: out))
        let outcome = sweep.wait()
        #expect(outcome.code == 70 && outcome.errorLines.count == 1)
        #expect(outcome.errors.hasPrefix("ppthreads sweep: \(out): "))
        #expect(
            outcome.errors.hasSuffix("\(change.reason); the row of the run that has ended is on standard output\n"))
        let row = try #require(outcome.output.split(separator: "\n").last).split(separator: ",")
        #expect(["gpipe", "1f1b"].contains(row[0]) && row.contains("processes"))
        #expect((try? Data(contentsOf: URL(filePath: out))) == after, "the file is as somebody else left it")
    }

    @Test(
        "a row that the disk has no room for is printed, and the file stays whole", .enabled(if: !Sanitizer.isOn))
    func noRoom() throws {
        let arguments = ["sweep", "--out", out, "--schedule", "gpipe,1f1b", "--no-baseline"] + smallest
        let outcome = try Command.run(
            arguments, through: ["/bin/sh", "-c", "trap '' XFSZ && ulimit -f 2 && exec \"$0\" \"$@\""])
        #expect(outcome.code == 65 && outcome.errorLines.count == 1)
        #expect(outcome.errors.contains("cannot be written: write: EFBIG (File too large); the row of the run"))
        #expect(outcome.output.split(separator: "\n").last?.split(separator: ",").count ?? 0 > 40)
        let bytes = try Data(contentsOf: URL(filePath: out)).count
        #expect(bytes > 0 && bytes < 1024)
        let rest = try Command.run(arguments)
        #expect(rest.code == 0 && rest.errors.isEmpty, "no half row is left")
        #expect(try SweepFileContents(out).rows.count == 2)
    }

    @Test("data that was written to stops a sweep only if the tokens are others, and costs none of the runs")
    func changedData() throws {
        let tokens = (0..<9000).map { UInt8($0 % 7) }
        let data = try folder.file("tokens", tokens)
        // In place, so that a rank that reads meanwhile finds a file that is no shorter.
        func write(_ tokens: [UInt8]) throws {
            try FileHandle(forWritingTo: URL(filePath: data)).write(contentsOf: tokens)
        }
        let touched = try start(["--data", data])
        try write(tokens)
        #expect(touched.wait().code == 0)
        try FileManager.default.removeItem(atPath: out)

        let changed = try start(["--data", data])
        try write(tokens.map { 6 - $0 })
        let outcome = changed.wait()
        #expect(outcome.code == 65)
        #expect(
            outcome.errors.hasSuffix("ppthreads sweep: \(data): has other tokens than when this command opened it\n"))
        // Of those that had begun, some; one that is measured again because others disturbed it has none. None that failed.
        let rows = try String(contentsOfFile: out, encoding: .utf8).split(separator: "\n").dropFirst()
        #expect(rows.count < 3 && rows.allSatisfy { $0.hasSuffix(",") }, "\(rows)")
    }

    @Test("standard output is no file to go on with") func standardOutput() throws {
        let outcome = try Command.run("sweep", "--out", "-")
        #expect(outcome.code == 64)
        #expect(
            outcome.errors
                == "ppthreads sweep: --out: a sweep reads its file too, to go on with it; give a file's path, not '-'\n"
        )
    }
}
