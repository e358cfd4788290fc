// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct BadInputTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let arguments: String
        let code: Int32
        /// The whole line after `ppthreads ...: `.
        let line: String
        var testDescription: String { arguments }
        init(_ arguments: String, _ code: Int32, _ line: String) {
            self.arguments = arguments
            self.code = code
            self.line = line
        }
    }

    static let cases = runCases + partitionCases + commandCases + fileCases

    private func folder() throws -> Folder {
        let folder = try Folder()
        func header(_ text: String) -> [UInt8] {
            (0..<8).map { $0 == 0 ? UInt8(text.utf8.count) : 0 } + Array(text.utf8)
        }
        _ = try folder.file("empty", [])
        _ = try folder.file("odd.bin", [1, 2, 3])
        _ = try folder.file("text", [65, 200, 66])
        let columns = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s\n"
        _ = try folder.file("header.csv", Array(columns.utf8))
        let row = columns + "gpipe,2,4,4,1,1\n"
        _ = try folder.file("semicolons.csv", Array(row.replacing(",", with: ";").utf8))
        _ = try folder.file("tabs.csv", Array(row.replacing(",", with: "\t").utf8))
        _ = try folder.file("returns.csv", Array(row.replacing("\n", with: "\r").utf8))
        _ = try folder.file("doubled.csv", Array(row.replacing("_s,", with: "_s,tokens_per_s,").utf8))
        _ = try folder.file("utf16.csv", [0xFF, 0xFE] + row.replacing("\n", with: "\r\n").utf8.flatMap { [$0, 0] })
        _ = try folder.file("columns.csv", Array("schedule,layers,tokens_per_s\ngpipe,4,1\n".utf8))
        _ = try folder.file("bad.csv", Array("\(columns)gpipe,2,four,4,1,1\ngpipe,2\n".utf8))
        let good = #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        _ = try folder.file("lies", header(good.replacing("[2]", with: "[4]")) + Array(repeating: 0, count: 8))
        _ = try folder.file("truncated", header(good) + [0, 0, 0, 0])
        _ = try folder.file("m.pt", Array("PK\u{3}\u{4}m/data.pkl".utf8))
        _ = try folder.file("text16", Array("hello, world 123".utf8))
        _ = try folder.file("trailing", header(good) + Array(repeating: 0, count: 12))
        _ = try folder.file(
            "twice", header(good.replacing("}}", with: "},\(good.dropFirst())")) + Array(repeating: 0, count: 8))
        _ = try folder.file("lines.layout", Array("E t\n| t)\n".utf8))
        _ = try folder.file("long.layout", Array(repeating: UInt8(ascii: "t"), count: 100_000))
        _ = try folder.file("other", header(good) + Array(repeating: 0, count: 8))
        return folder
    }

    @Test("wrong input gets one line that says what is allowed, and its exit code", arguments: cases)
    func wrongInput(example: Case) throws {
        let folder = try folder()
        let arguments = example.arguments.replacing("FOLDER", with: folder.url.path)
        let outcome = try Command.run(arguments.split(separator: " ").map(String.init))
        #expect(outcome.code == example.code)
        #expect(outcome.output.isEmpty || example.arguments.hasPrefix("verify"))
        let commands = ["compare", "sweep", "analyze", "run", "verify", "doctor", "completions", "manual"]
        let command = commands.first { "\(example.arguments) ".hasPrefix($0 + " ") }.map { " \($0)" } ?? ""
        let line = example.line.replacing("FOLDER", with: folder.url.path)
        #expect(outcome.errors == "ppthreads\(command): \(line)\n")
    }

    @Test("sizes that no machine has are refused before anything is mapped") func hugeSizes() throws {
        for arguments in [
            [
                "--dim", "65536", "--layers", "1024", "--vocab-size", "16000000", "--seq-len", "65536", "--batch",
                "65536",
            ],
            ["--dim", "65536", "--ffn", "262144"],
            ["--batch", "65536", "--microbatches", "1", "--seq-len", "65536"],
        ] {
            let outcome = try Command.run(["run"] + arguments)
            #expect(outcome.code == 64)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.errors.hasPrefix("ppthreads run: --dim: the model and its activations need "))
        }
    }

    @Test(
        "a sweep of which nothing fits says of how many, one or several",
        arguments: [("gpipe", "1 combination"), ("gpipe,1f1b", "2 combinations")])
    func nothingFits(schedules: String, count: String) throws {
        let outcome = try Command.run("sweep", "--layers", "1", "--schedule", schedules)
        #expect(outcome.code == 64 && outcome.errorLines.last == "ppthreads sweep: none of \(count) fits together")
    }

    @Test("a CPU that may not be used is refused with those that may") func foreignCPU() throws {
        let outcome = try Command.run("run", "--pin", "1023")
        #expect(outcome.code == 64)
        #expect(outcome.errors.hasPrefix("ppthreads run: --pin: CPU 1023 is not one this program may use; allowed: "))
    }
}
