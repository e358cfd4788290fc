// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Which runs a sweep takes for the same: those that it leaves out when their row is there.
struct SweepIdentityTests {
    private let folder: Folder
    private let out: String

    init() throws {
        folder = try Folder()
        out = folder.path("results.csv")
    }

    /// One run, and how many were there before.
    @discardableResult
    private func isThere(_ arguments: [String]) throws -> Bool {
        let outcome = try Command.run(
            ["sweep", "--out", out, "--stages", "2", "--schedule", "gpipe", "--no-baseline"] + smallest + arguments)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let counts = outcome.output.matches(of: /(\d+) runs?, (0|none) .*, (\d+) were there before/)
        #expect(counts.first?.1 == "1")
        return counts.first?.3 == "1"
    }

    /// For each flag that can change a result, a value that is not the standard one; a file's after the base that it changes.
    private func changes() throws -> [String: [String]] {
        [
            "--schedule": ["1f1b"], "--transport": ["unix"], "--partition": ["balanced"], "--stages": ["1"],
            "--microbatches": ["2"], "--replicas": ["2"], "--threads": ["2"], "--n-layers": ["2"], "--n-heads": ["2"],
            "--dim": ["16"],
            "--inject-link": ["1us"], "--inject-jitter": ["1us"], "--lr": ["1e-3"], "--seed": ["1"],
            "--virtual-stages": ["1", "--schedule", "interleaved"],
            "--group-size": ["4", "--schedule", "interleaved"],
            "--waves": ["2", "--schedule", "hanayo", "--partition", "balanced"],
            "--recompute": [], "--forward-only": [], "--no-timeline": [], "--pin": ["none"], "--simd": ["portable"],
            "--arch": ["gpt"], "--ffn": ["9"], "--vocab-size": ["10"], "--seq-len": ["4"], "--batch-size": ["16"],
            "--optimizer": ["sgd"], "--dropout": ["0.5"], "--warmup-steps": ["1"], "--measure-steps": ["3"],
            "--data": [try folder.file("tokens", Array(repeating: 1, count: 100))],
            "--data-format": ["u16", "--data", try folder.file("pairs", (0..<100).map { $0 % 2 == 0 ? 1 : 0 })],
        ]
    }

    /// Flags that change which runs there are, how they are done or told, and no result of one.
    private static let others: Set<String> = [
        "--preset", "--no-baseline", "--repeat", "--order-seed", "--out", "--dry-run", "--timeout",
        // A library has to be there: its path is told like the other settings.
        "--gemm",
        // It makes the transport another one, which is told.
        "--intra-node",
    ]

    @Test("a run with another value of any flag that can change its result is another run") func everyFlag() throws {
        try isThere([])
        var left = try changes()
        let help = try Command.run("sweep", "--help").output
        let flags = help.matches(of: /\n  (--[a-z-]+)/).map { String($0.1) }
        #expect(flags.count > 30)
        for flag in flags where !Self.others.contains(flag) {
            let change = left.removeValue(forKey: flag)
            let values = try #require(change, "\(flag): does it change a result?")
            // What else the value needs comes first, as a run of its own.
            if values.count > 1 { try isThere(Array(values.dropFirst())) }
            #expect(try !isThere([flag] + values), "\(flag) is told from its standard")
            #expect(try isThere([flag] + values), "\(flag) is found again")
        }
        #expect(left.keys.allSatisfy { $0 == "--data-format" }, "\(left.keys)")
        #expect(try isThere([]) && isThere(["--timeout", "59"]))
    }

    @Test("equal numbers are one run, however they are written; neighbours are two") func numbers() throws {
        for rate in ["3e-4", "0.0003", "3.0e-04", "0.3E-3"] {
            #expect(try isThere(["--lr", rate]) == (rate != "3e-4"), "\(rate)")
        }
        for dropout in ["0", "0.0", "-0", "0e5"] { #expect(try isThere(["--dropout", dropout]), "\(dropout)") }
        // Beyond 2^53, where a Double no longer tells them apart.
        for seed in ["9007199254740992", "9007199254740993"] { #expect(try !isThere(["--seed", seed]), "\(seed)") }
        #expect(try isThere(["--seed", "9007199254740992"]))
        // As a spreadsheet writes them.
        let text = try String(contentsOfFile: out, encoding: .utf8)
        try text.replacing(",0.0003,", with: ",3.00E-04,").write(toFile: out, atomically: true, encoding: .utf8)
        #expect(try isThere([]))
    }

    @Test("a file of tokens is known by what is read of it, not by its path") func data() throws {
        let vocabulary = ["--vocab-size", "256"]
        // Of a file, two steps of eight rows of three tokens are read, and one more.
        func write(_ name: String, _ bytes: [UInt8]) throws -> [String] {
            ["--data", try folder.file(name, bytes)] + vocabulary
        }
        let tokens = (0..<49).map { UInt8($0) }
        #expect(try !isThere(write("text", tokens)))
        #expect(try isThere(write("text", tokens)))
        #expect(try isThere(write("text", tokens + [7, 7])), "what is not read does not count")
        #expect(try !isThere(write("text", tokens.dropLast() + [99])), "the last token that is read has changed")
        #expect(try !isThere(write("text", tokens.dropLast())), "the file is shorter than what is read")
        let elsewhere = folder.url.path + "/../" + folder.url.lastPathComponent + "/text"
        #expect(try isThere(["--data", elsewhere] + vocabulary))
        #expect(try !isThere(write("a \"b\", c\nd", tokens)) && isThere(write("a \"b\", c\nd", tokens)))
        let names = try SweepFileContents(out).rows.map { $0["data"]! }
        // Its reader takes the quotes off.
        #expect(names.allSatisfy { $0.wholeMatch(of: /(text|a b, c\\nd):[0-9a-f]{16}/) != nil }, "\(names)")
    }

    @Test("lists of rates and seeds are dimensions of the grid, named where they vary, each combination once")
    func lists() throws {
        func runs(_ arguments: [String]) throws -> [String] {
            let outcome = try Command.run(["sweep", "--dry-run", "--schedule", "gpipe", "--no-baseline"] + arguments)
            #expect(outcome.code == 0, "\(outcome.errors)")
            return outcome.output.split(separator: "\n").filter { $0.hasPrefix("run ") }.map {
                String($0.split(separator: "uniform").last!)
            }
        }
        #expect(
            try runs(["--lr", "1e-3,3e-4", "--seed", "7,0"])
                == [" lr 0.001 seed 7", " lr 0.001 seed 0", " lr 0.0003 seed 7", " lr 0.0003 seed 0"])
        let twice = try Command.run("sweep", "--dry-run", "--lr", "1e-3,0.001")
        #expect(twice.code == 64 && twice.errors.contains("each once"))
        #expect(try runs(["--seed", "1,2"]) == [" seed 1", " seed 2"])
        #expect(try runs(["--lr", "1"]).first?.contains("lr") == false)
        // With their runs on one stage.
        let outcome = try Command.run(["sweep", "--out", out, "--schedule", "gpipe", "--lr", "1,2"] + smallest)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let rows = try SweepFileContents(out).rows.map { "\($0["world_size"]!) \($0["lr"]!)" }
        #expect(rows.sorted() == ["1 1.0", "1 2.0", "2 1.0", "2 2.0"])
    }
}
