// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Outputs for which there is no room: every command, every output. Nothing is left of them, and what was there stays.
struct FullDiskTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    private static let figures = ["--warmup", "0", "--measure", "30"] + tiny

    private func results() throws -> String {
        try folder.csv(resultsRow("gpipe", ranks: 1), resultsRow("gpipe"), resultsRow("1f1b", tokens: "1500"))
    }

    /// Whether a file of the folder still has what a test wrote to it.
    private func isOld(_ name: String) -> Bool {
        (try? String(contentsOfFile: folder.path(name), encoding: .utf8)) == "old"
    }

    @Test(
        "a standard output for which there is no room is told of in one line, with code 70, whatever was to be printed",
        arguments: [
            ["run"], ["run", "--json"], ["run", "--emit-csv"], ["run", "--transport", "processes"],
            ["compare", "--trials", "1", "--transport", "processes", "--json"], ["compare", "--trials", "1"],
        ])
    func standardOutput(words: [String]) throws {
        let outcome = try folder.shell("exec \"$@\" > /dev/full", words + Self.figures)
        expectOneLine(outcome, words[0])
        #expect(try folder.names().isEmpty)
    }

    @Test("the same of commands that measure nothing", arguments: ["doctor", "analyze", "trace", "verify", "help"])
    func otherCommands(name: String) throws {
        var words = [name]
        switch name {
        case "analyze": words.append(try results())
        case "verify":
            words += [
                "--transport", "threads", "--stages", "1", "--microbatches", "2", "--layers", "4", "--steps", "1",
            ]
        case "trace":
            let span =
                #"{"ph":"X","pid":0,"tid":0,"ts":0,"dur":1,"name":"F0","cat":"forward","args":{"step":0}}"#
            words.append(try folder.file("trace.json", Array("{\"traceEvents\":[\(span)]}".utf8)))
        default: break
        }
        let before = try folder.names()
        let outcome = try folder.shell("exec \"$@\" > /dev/full", words)
        expectOneLine(outcome, name == "help" ? nil : name)
        #expect(try folder.names() == before)
    }

    private func expectOneLine(_ outcome: Command.Outcome, _ command: String?) {
        #expect(outcome.code == 70)
        let name = command.map { "ppthreads \($0)" } ?? "ppthreads"
        #expect(
            outcome.errors
                == "\(name): standard output could not be written: write: ENOSPC (No space left on device)\n")
    }

    @Test(
        "beyond a limit on files' sizes each output fails with a line of its own, what was there stays, and no part is left",
        .enabled(if: !Sanitizer.isOn),
        arguments: [
            ["run", "--save", "a"], ["run", "--save-grads", "a"], ["run", "--trace", "a"],
            ["run", "--transport", "processes", "--save", "a"],
            ["compare", "--trials", "1", "--transport", "threads", "--html", "a"],
            ["run", "--trace", "a", "--save-grads", "b", "--save", "c"],
        ])
    func fileSizes(words: [String]) throws {
        let outputs = words.filter { ["a", "b", "c"].contains($0) }
        for output in outputs { _ = try folder.file(output, Array("old".utf8)) }
        // In units of 512 bytes.
        let outcome = try folder.shell("trap '' XFSZ && ulimit -f 8 && exec \"$@\"", words + Self.figures)
        #expect(outcome.code == 65 && outcome.output.contains("tokens/s"))
        let lines = outputs.map { "ppthreads \(words[0]): \($0): cannot be written: write: EFBIG (File too large)" }
        #expect(Set(outcome.errorLines.map(String.init)) == Set(lines) && outcome.errorLines.count == lines.count)
        #expect(try folder.names() == Set(outputs) && outputs.allSatisfy(isOld))
        #expect(try sharedMemoryNames().isEmpty)
    }

    @Test(
        "the same of what analyze writes", .enabled(if: !Sanitizer.isOn), arguments: ["--html", "--svg", "--summary"])
    func analyze(flag: String) throws {
        let path = try results()
        try FileManager.default.createDirectory(atPath: folder.path("plots"), withIntermediateDirectories: false)
        // More rows than fit into a summary of a kilobyte.
        _ = try folder.csv((4..<40).map { resultsRow("gpipe", layers: 2 * $0) })
        for name in ["page", "plots/losses.svg"] { _ = try folder.file(name, Array("old".utf8)) }
        let target = flag == "--svg" ? "plots" : "page"
        let outcome = try folder.shell(
            "trap '' XFSZ && ulimit -f 2 && exec \"$@\"", ["analyze", path, flag, target])
        #expect(outcome.code == 65 && outcome.output.contains("tokens/s"))
        #expect(!outcome.errorLines.isEmpty)
        for line in outcome.errorLines {
            #expect(
                line.hasPrefix("ppthreads analyze: \(target)") && line.hasSuffix(": EFBIG (File too large)"), "\(line)")
        }
        #expect(try folder.names() == ["results.csv", "plots", "page"] && isOld("page"))
        let plots = try FileManager.default.contentsOfDirectory(atPath: folder.path("plots"))
        #expect(plots.allSatisfy { $0.hasSuffix(".svg") }, "\(plots)")
    }

    @Test("a sweep whose file is full stops at once, and leaves whole rows") func sweep() throws {
        let words = ["sweep", "--out", "rows.csv", "--no-baseline", "--repeat", "40", "--stages", "1"] + Self.figures
        let outcome = try folder.shell("trap '' XFSZ && ulimit -f 16 && exec \"$@\"", words)
        #expect(outcome.code == 65, "\(outcome.errors)")
        #expect(outcome.errorLines.count == 1 && outcome.errors.contains("EFBIG (File too large)"))
        let text = try String(contentsOfFile: folder.path("rows.csv"), encoding: .utf8)
        #expect(text.hasSuffix("\n") && (2..<40).contains(text.split(separator: "\n").count))
        let columns = text.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).count
        }
        #expect(Set(columns).count == 1, "rows of different lengths")
        #expect(try folder.names() == ["rows.csv"])
    }

    @Test("a second sweep with the same file is refused while the first one runs, and harms nothing")
    func lockedBySweep()
        throws
    {
        let out = folder.path("rows.csv")
        let words = ["sweep", "--out", out, "--no-baseline", "--stages", "2", "--no-timeline"] + tiny
        let first = try Command.Running(words + ["--measure", "10000", "--repeat", "100"])
        try first.waitUntilItComputes()
        let before = try Data(contentsOf: URL(filePath: out))
        let second = try Command.run(words + ["--measure", "1"])
        #expect(second.code == 70)
        let holder = first.process.processIdentifier
        #expect(second.errors == "ppthreads sweep: \(out): another sweep (process \(holder)) is writing to it\n")
        #expect(try Data(contentsOf: URL(filePath: out)).starts(with: before) && first.process.isRunning)
        kill(first.process.processIdentifier, SIGINT)
        #expect(first.wait().code == 130)
        // Nobody holds it any more.
        #expect(try Command.run(words + ["--measure", "1"]).code == 0)
        #expect(try folder.names() == ["rows.csv"])
    }
}
