// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A file that a command was given twice, under whatever names.
struct OneFileTwiceTests {
    private let folder: Folder

    init() throws {
        folder = try Folder()
        for (name, text) in Self.inputs { _ = try folder.file(name, Array(text.utf8)) }
        let files = FileManager.default
        for name in ["plots", "others"] {
            try files.createDirectory(atPath: folder.path(name), withIntermediateDirectories: false)
        }
        try files.createSymbolicLink(atPath: folder.path("same-folder"), withDestinationPath: ".")
        for name in Self.inputs.keys {
            try files.createSymbolicLink(atPath: folder.path("link-to-\(name)"), withDestinationPath: name)
            try files.linkItem(atPath: folder.path(name), toPath: folder.path("hard-\(name)"))
        }
        try files.createSymbolicLink(atPath: folder.path("link-to-new"), withDestinationPath: "same-folder/new")
        try files.linkItem(atPath: folder.path("results"), toPath: folder.path("plots/losses.svg"))
    }

    private static let rows = """
        schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s
        gpipe,2,4,4,1000,0.5
        1f1b,2,4,4,1100,0.45

        """
    private static let inputs = [
        "text": String(repeating: "to be or not to be ", count: 20), "results": rows, "order.csv": "0F0,0B0\n",
    ]

    struct Case: CustomTestStringConvertible, Sendable {
        let arguments: String
        /// The flag that the line starts with, the path it names, and whose file that is.
        let flag: String
        let path: String
        let other: String
        var testDescription: String { arguments }
        init(_ arguments: String, _ flag: String, _ path: String, _ other: String) {
            (self.arguments, self.flag, self.path, self.other) = (arguments, flag, path, other)
        }
    }

    static let cases = [
        Case("run --data text --save text", "--save", "text", "--data"),
        Case("run --data link-to-text --save text", "--save", "text", "--data"),
        Case("run --data text --save-grads link-to-text", "--save-grads", "link-to-text", "--data"),
        Case("run --data hard-text --trace text", "--trace", "text", "--data"),
        Case("run --data ./text --trace same-folder/text", "--trace", "same-folder/text", "--data"),
        Case("run --init text --save-grads text", "--save-grads", "text", "--init"),
        Case("run --init text --trace hard-text", "--trace", "hard-text", "--init"),
        Case("run --gemm ./text --save text", "--save", "text", "--gemm"),
        Case("run --save new --trace new", "--trace", "new", "--save"),
        Case(
            "run --save new --save-grads same-folder/same-folder/new", "--save-grads", "same-folder/same-folder/new",
            "--save"),
        Case("run --save new --trace link-to-new", "--trace", "link-to-new", "--save"),
        Case("run --save text --trace hard-text", "--trace", "hard-text", "--save"),
        Case("run --save-grads text --trace link-to-text", "--trace", "link-to-text", "--save-grads"),
        Case("schedule order.csv --csv ./order.csv", "--csv", "./order.csv", "FILE"),
        Case("schedule link-to-order.csv --comms order.csv", "--comms", "order.csv", "FILE"),
        Case("schedule order.csv --html hard-order.csv", "--html", "hard-order.csv", "FILE"),
        Case("schedule gpipe --csv new --svg new", "--svg", "new", "--csv"),
        Case("compare --data text --html text", "--html", "text", "--data"),
        Case("sweep --data text --out hard-text", "--out", "hard-text", "--data"),
        Case("sweep --data text --out link-to-text", "--out", "link-to-text", "--data"),
        Case("analyze results --html results", "--html", "results", "FILE"),
        Case("analyze results --summary link-to-results", "--summary", "link-to-results", "FILE"),
        Case("analyze hard-results --html results", "--html", "results", "FILE"),
        Case("analyze results --summary new --html new", "--html", "new", "--summary"),
        Case("analyze results --svg plots", "--svg", "plots/losses.svg", "FILE"),
        Case("analyze results --svg others --html others/speedup.svg", "--svg", "others/speedup.svg", "--html"),
        Case("analyze results --png plots --summary plots/speedup.png", "--png", "plots/speedup.png", "--summary"),
    ]

    /// All that a file of the folder holds, by name.
    private func contents() throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path) {
            contents[name] = try? Data(contentsOf: URL(filePath: folder.path(name)))
        }
        return contents
    }

    @Test("a file given twice is refused before anything runs, with both flags, and stays as it is", arguments: cases)
    func twice(example: Case) throws {
        let before = try contents()
        let outcome = try folder.shell("\"$@\"", example.arguments.split(separator: " ").map(String.init))
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        let command = example.arguments.prefix { $0 != " " }
        let line = "\(example.flag): \(example.path) is the file of \(example.other) too; each needs one of its own"
        #expect(outcome.errors == "ppthreads \(command): \(line)\n")
        #expect(try contents() == before)
    }

    @Test(
        "a file that standard output or error goes to is no input and no output",
        arguments: [
            ("run --save text", "--save", "text"), ("run --trace link-to-text", "--trace", "link-to-text"),
            ("run --data hard-text", "--data", "hard-text"), ("sweep --out text", "--out", "text"),
            ("compare --html text", "--html", "text"), ("analyze text", "FILE", "text"), ("trace text", "FILE", "text"),
        ])
    func redirected(arguments: String, flag: String, path: String) throws {
        let before = try contents()["text"]!
        let words = arguments.split(separator: " ").map(String.init)
        let line = "ppthreads \(words[0]): \(flag): \(path) is the file of standard"
        let output = try folder.shell("\"$@\" >> text", words)
        #expect(output.code == 64 && output.errors == "\(line) output too; each needs one of its own\n")
        #expect(try contents()["text"] == before)
        #expect(try folder.shell("\"$@\" 2>> text", words).code == 64)
        #expect(try contents()["text"] == before + Data("\(line) error too; each needs one of its own\n".utf8))
    }

    @Test("a checkpoint may be read and written again; inputs may be the same; devices take any number of outputs")
    func allowed() throws {
        let run = ["run", "--warmup", "0", "--measure", "1"] + tiny
        #expect(try folder.shell("\"$@\"", run + ["--save", "weights"]).code == 0)
        let first = try contents()["weights"]
        for name in ["weights", "./weights", "same-folder/weights"] {
            #expect(try folder.shell("\"$@\"", run + ["--init", "weights", "--save", name]).code == 0)
        }
        #expect(try contents()["weights"] != first)
        #expect(try folder.shell("\"$@\"", run + ["--init", "weights", "--save", "a", "--trace", "b"]).code == 0)
        let device = try folder.shell("\"$@\"", run + ["--save", "/dev/null", "--trace", "/dev/null"])
        #expect(device.code == 0, "\(device.errors)")
        let outcome = try folder.shell(
            "\"$@\" 3> /dev/null 4> /dev/null > /dev/null", run + ["--save", "/dev/fd/3", "--trace", "/dev/fd/4"])
        #expect(outcome.code == 0, "\(outcome.errors)")
    }
}
