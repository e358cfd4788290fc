// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `Benchmarks/audit_trace.py`, which works out a run's figures from its trace anew and knows the trace's description alone.
private enum Audit {
    static let script = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../Benchmarks/audit_trace.py"
    ).path
    static let python = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map {
        "\($0)/python3"
    }
    .first(where: FileManager.default.isExecutableFile)

    static func run(_ arguments: [String]) throws -> (code: Int32, lines: [Substring], errors: String) {
        let end = try ChildProcess([try #require(python), script] + arguments).wait()
        let output = String(decoding: end.output, as: UTF8.self)
        return (end.code, output.split(separator: "\n"), String(decoding: end.errors, as: UTF8.self))
    }
}

@Suite("an audit that knows the trace's description alone", .enabled(if: Audit.python != nil)) struct AuditTests {
    private let folder: Folder
    private let trace: String
    private let report: String

    init() throws {
        folder = try Folder()
        (trace, report) = (folder.path("trace.json"), folder.path("report.json"))
    }

    /// A run's trace and report in the folder.
    private func run(_ arguments: [String]) throws {
        let outcome = try Command.run(
            ["run", "--json", "--trace", trace, "--warmup", "1", "--measure", "4"] + arguments + tiny)
        #expect(outcome.code == 0, "\(outcome.errors)")
        _ = try folder.file("report.json", Array(outcome.output.utf8))
    }

    @Test(
        "finds all figures of a run to the nanosecond",
        arguments: [
            ["--stages", "2"], ["--stages", "1", "--recompute"],
            ["--schedule", "gpipe", "--stages", "3", "--transport", "unix", "--microbatches", "6"],
            ["--schedule", "interleaved", "--virtual-stages", "2", "--transport", "processes"],
            ["--schedule", "interleaved", "--virtual-stages", "2", "--stages", "1"],
            ["--schedule", "zb-h1", "--stages", "4", "--transport", "sockets"],
            ["--schedule", "zb-h1", "--pin", "none", "--threads", "2"],
            ["--forward-only", "--partition", "balanced", "--arch", "gpt"],
        ]) func agrees(arguments: [String]) throws
    {
        try run(arguments)
        let audit = try Audit.run([trace, report])
        #expect(audit.code == 0 && audit.errors.isEmpty, "\(audit)")
        #expect(audit.lines.count == 1 && audit.lines.first?.hasSuffix("all terms equal to the nanosecond") == true)
    }

    /// Changes the first line of the trace that has all of these words.
    private func tamper(with words: [String], change: (String) throws -> String) throws {
        var lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").map(String.init)
        let index = try #require(lines.firstIndex { line in words.allSatisfy(line.contains) })
        lines[index] = try change(lines[index])
        _ = try folder.file("trace.json", Array(lines.joined(separator: "\n").utf8))
    }

    @Test(
        "finds one number that was changed",
        arguments: [
            (["forward"], "ts", 0.001), (["backward"], "dur", 0.001), (["wait"], "dur", 0.001),
            (["backward"], "sent_us", 0.001), (["update"], "cpu_us", 0.001), (["backward"], "lost_working_us", 6),
            (["F1", "\"stage\":0"], "lost_before_us", 6), (["step end"], "transport_us", 0.001),
            (["step end"], "ts", 0.001), (["\"ph\":\"f\""], "ts", 0.001), (["ring"], "items", 1),
        ] as [([String], String, Double)]) func changed(words: [String], key: String, amount: Double) throws
    {
        try run([])
        #expect(try Audit.run([trace, report]).code == 0)
        try tamper(with: words) { line in
            let number = try Regex("\"\(key)\":(-?[0-9.e-]+)", as: (Substring, Substring).self)
            let match = try #require(line.firstMatch(of: number))
            let value = try #require(Double(match.output.1))
            return line.replacing(match.output.0, with: "\"\(key)\":\(String(format: "%.3f", value + amount))")
        }
        let audit = try Audit.run([trace, report])
        #expect(audit.code == 1 && !audit.lines.isEmpty && audit.errors.isEmpty, "\(audit)")
    }

    @Test("finds two tasks that have changed places") func swapped() throws {
        try run(["--schedule", "gpipe"])
        try tamper(with: ["F0", "\"stage\":0"]) { $0.replacing("\"task\":0", with: "\"task\":1") }
        try tamper(with: ["F1", "\"stage\":0"]) { $0.replacing("\"task\":1", with: "\"task\":0") }
        let audit = try Audit.run([trace])
        #expect(audit.code == 1 && audit.lines.contains { $0.hasPrefix("step 1: ") }, "\(audit)")
    }

    @Test("says in one line that a file is no trace") func noTrace() throws {
        for text in ["", "[]", "{\"traceEvents\":[{\"ph\":\"X\",\"tid\":0}]}"] {
            let audit = try Audit.run([try folder.file("none.json", Array(text.utf8))])
            #expect(audit.code == 65 && audit.lines.isEmpty && audit.errors.split(separator: "\n").count == 1)
        }
    }

    @Test(
        "says in one line that a number is none of a trace's, or a process",
        arguments: ["\"dur\":1e999999999", "\"pid\":1"])
    func strange(text: String) throws {
        try run([])
        let key = try #require(text.split(separator: ":").first)
        try tamper(with: ["forward"]) { $0.replacing(try Regex("\(key):[0-9.]+"), with: text) }
        let audit = try Audit.run([trace])
        #expect(audit.code == 65 && audit.errors.split(separator: "\n").count == 1, "\(audit)")
    }
}
