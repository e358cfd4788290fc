// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

/// Cuts that the user gives, from the flag to tables, JSON and files.
struct PartitionCommandTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func report(_ flags: String...) throws -> [String: Any] {
        try Command.json(["run", "--measure", "1", "--warmup", "0"] + tiny + flags)
    }

    @Test("run tells the cut that was used, and the CSV's partition what was asked for") func json() throws {
        let uniform = try report()
        #expect(uniform["layout"] as? String == "E t t | t t H" && uniform["partition"] as? String == "uniform")
        let balanced = try report("--partition", "balanced")
        let cut = try #require(balanced["layout"] as? String)
        #expect(balanced["partition"] as? String == "balanced")
        let given = try report("--partition", cut)
        #expect(given["layout"] as? String == cut && given["partition"] as? String == cut)
        #expect(given["loss"] as? Double == uniform["loss"] as? Double)
        #expect(given["work_share"] as? [Double] == balanced["work_share"] as? [Double])
        let other = try report("--partition", "Ea,f(a|f)tt,L")
        #expect(other["layout"] as? String == "E t a | f t t H" && other["partition"] as? String == "E t a | f t t H")
    }

    @Test("the table has the cut, and its header who chose it") func table() throws {
        let arguments = ["run", "--measure", "1", "--warmup", "0"] + tiny
        let uniform = try Command.run(arguments).output
        #expect(uniform.contains(", uniform partition, ") && uniform.contains("\nlayout     E t t | t t H\n"))
        let given = try Command.run(arguments + ["--partition", "E|tt,t a|f H", "--stages", "3"]).output
        #expect(given.contains(", given partition, ") && given.contains("\nlayout     E | t*3 a | f H\n"))
    }

    @Test("a layout may be in a file, on several lines", arguments: ["cut.layout", "cut.TXT", "cut"])
    func file(name: String) throws {
        let path = try folder.file(name, Array("\u{FEFF}E a\n| f t*2 a\r\n| f H\n".utf8))
        for argument in [path, "@" + path] {
            let found = try report("--partition", argument, "--stages", "3")
            #expect(found["layout"] as? String == "E a | f t t a | f H")
            #expect(found["partition"] as? String == found["layout"] as? String)
        }
    }

    @Test("a sweep's run is known by its cut, however that is spelled, and analyze tells of it") func sweep() throws {
        let out = folder.path("results.csv")
        let path = try folder.file("three.layout", Array("E t, t\n| t t L".utf8))
        func sweep(_ partitions: String) throws -> [String] {
            let outcome = try Command.run(
                [
                    "sweep", "--out", out, "--schedule", "gpipe", "--no-baseline", "--measure", "1", "--partition",
                    partitions,
                ]
                    + tiny)
            #expect(outcome.code == 0, "\(outcome.errors)")
            return outcome.output.split(separator: "\n").map(String.init)
        }
        #expect(
            try sweep("uniform,E t|t t t H,\(path)").last?.hasPrefix("3 runs, 0 of them failed, 0 were")
                == true)
        #expect(try sweep("Et|tttL,E a | f t*3 H").last?.contains("2 runs, 0 of them failed, 1 were there") == true)
        let cuts = try SweepFileContents(out).rows.compactMap { $0["partition"] }
        #expect(cuts.sorted() == ["E a | f t*3 H", "E t t | t t H", "E t | t*3 H", "uniform"])
        let table = try Command.run("analyze", out)
        #expect(table.code == 0 && cuts.allSatisfy { table.output.contains($0) }, "\(table.output)")
    }

    @Test("a sweep lists a layout that fits no combination, and verify counts it") func misfits() throws {
        let dry = try Command.run(
            ["sweep", "--dry-run", "--schedule", "gpipe", "--no-baseline", "--partition", "uniform,E t | H"] + tiny)
        #expect(dry.code == 0)
        #expect(
            dry.output.contains("E t | H: --partition: column 7: unit 4, a of layer 1, is missing before H"),
            "\(dry.output)")
        let verified = try Command.run(
            "verify", "--arch", "gpt", "--schedule", "1f1b", "--transport", "threads", "--stages", "2",
            "--microbatches",
            "4", "--layers", "2", "--partition", "E a | f t H,E | t | t H")
        #expect(verified.code == 0)
        #expect(verified.output.contains("equal     gpt 1F1B threads P=2 M=4 E a | f t H: "))
        #expect(verified.output.contains("E | t | t H: the layout has 3 stages, and 2 are needed for 1F1B with P=2"))
        #expect(verified.output.hasSuffix("1 equal, 0 different, 1 that does not fit\n"))
    }

    @Test("compare tells the cut once where all have it, else with the schedules that have it") func compare() throws {
        let page = folder.path("page.html")
        let arguments =
            ["compare", "--trials", "1", "--warmup", "0", "--measure", "1", "--transport", "threads", "--html", page]
            + tiny
        let alike = try Command.run(arguments + ["--schedule", "gpipe,1f1b", "--partition", "E t a | f t t H"])
        #expect(alike.code == 0 && alike.output.contains(", given partition, "))
        #expect(alike.output.contains("\nlayout: E t a | f t t H\n"))
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("<dt>Layout</dt><dd>E t a | f t t H</dd>"))
        let several = try Command.run(arguments + ["--schedule", "gpipe,1f1b,interleaved"])
        #expect(several.output.contains("\nlayout of GPipe, 1F1B: E t t | t t H\n"))
        #expect(several.output.contains("\nlayout of Interleaved-1F1B: E t | t | t | t H\n"))
    }

    @Test("an output that is the layout's file is refused") func outputIsInput() throws {
        let path = try folder.file("a.layout", Array("E t t | t t H".utf8))
        let outcome = try Command.run(["run", "--partition", path, "--save", path] + tiny)
        #expect(outcome.code == 64 && outcome.errors.contains("--partition"), "\(outcome.errors)")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "E t t | t t H")
    }
}
