// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import ppthreads

/// What people who draw their own orders ask for, and what they are told.
struct OrderWishTests {
    private let folder: Folder
    private let mine: String

    init() throws {
        folder = try Folder()
        mine = try folder.file("mine.csv", Array("0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n".utf8))
    }

    private let quick = ["--transport", "threads", "--trials", "1", "--warmup", "0", "--measure", "1"] + tiny

    @Test("an order of actions that take no time, or next to none, is drawn", arguments: ["0", "1e-320"])
    func noTime(time: String) throws {
        let costs = ["--forward", time, "--input-gradient", time, "--weight-gradient", time]
        let outcome = try Command.run(["schedule", mine, "--svg", folder.path("a.svg")] + costs)
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        #expect(
            outcome.output.contains("\nrank 0  .\n")
                && outcome.output.contains("makespan  \(time == "0" ? "0" : "9e-320")"))
        #expect(try folder.names().contains("a.svg"))
    }

    @Test("times and distances are told with as many digits as tell them") func digits() throws {
        let small = try Command.run("schedule", mine, "--forward", "0.0004", "--hand-off", "999999.9999")
        #expect(
            small.output.hasPrefix(
                "mine.csv: 2 ranks, 2 stages, 2 microbatches; F 0.0004, I 1, W 1, a hand-off 1000000\n"))
    }

    @Test("where names do not fit, signs stand alone, and a line says what they are and how wide names would be")
    func narrow() throws {
        // F and B take 2 of 20 units. A name and a blank take 3 columns, for every two units.
        let order = ["schedule", "1f1b", "-p", "2", "-m", "4", "--forward", "2", "--width"]
        let narrow = try Command.run(order + ["20"]).output.split(separator: "\n")
        #expect(narrow[1] == "rank 0  ====..##==##==##..##" && narrow[2] == "rank 1  ..==##==##==##==##..")
        #expect(
            narrow[3]
                == "= is a forward, # a backward or its input's half, + the weights' half; --width 30 names every action"
        )
        #expect(try Command.run(order + ["29"]).output.contains("--width 30 names every action"))
        let wide = try Command.run(order + ["30"]).output
        #expect(wide.contains("\nrank 0  F0 F1 .. B0 F2 B1 F3 B2 .. B3\n") && !wide.contains("names every action"))
    }

    @Test("a list may hold all beside a file, and names then come once each") func allBesides() throws {
        let outcome = try Command.run(
            ["sweep", "--dry-run", "--schedule", "\(mine),zb-h1,all", "--out", folder.path("x.csv")] + tiny)
        #expect(outcome.code == 0, "\(outcome.errors)")
        for name in ["mine.csv", "ZB-H1", "GPipe", "V-Min"] { #expect(outcome.output.contains(name), "\(name)") }
        let names = ScheduleKind.allCases.map(\.rawValue).joined(separator: ",")
        let whole = try Command.run(["sweep", "--dry-run", "--schedule", "\(names),all"] + tiny)
        #expect(whole.code == 0, "\(whole.errors)")
        let twice = try Command.run(["sweep", "--dry-run", "--schedule", "zb-h1,zb-h1"] + tiny)
        #expect(twice.code == 64 && twice.errors.contains("each once, and zb-h1 stands twice"))
    }

    @Test("files of other sizes cannot be compared, and it is told which they are") func otherSizes() throws {
        let three = try folder.file("three.csv", Array("0F0,0F1,0B0,0B1\n1F0,1F1,1B0,1B1\n2F0,2B0,2F1,2B1\n".utf8))
        let outcome = try Command.run(["compare", "--schedule", "\(mine),\(three)"] + quick)
        #expect(outcome.code == 64)
        #expect(
            outcome.errors
                == "ppthreads compare: --schedule: mine.csv is of P=2 and M=2, three.csv of P=3 and M=2; what is compared has one P "
                + "and M\n")
    }

    @Test("a file of forwards alone evaluates, which run says, and what compares training refuses") func forwardOnly()
        throws
    {
        let path = try folder.file("forwards.csv", Array("0F0,0F1\n1F0,1F1\n".utf8))
        let run = try Command.run(["run", "--schedule", path, "--warmup", "0", "--measure", "1"] + tiny)
        #expect(
            run.code == 0 && run.output.contains("note: forwards.csv: has forwards alone, so that nothing is trained"))
        for command in [["compare"] + quick, ["verify", "--arch", "gpt"]] {
            let outcome = try Command.run(command + ["--schedule", path])
            #expect(outcome.code == 64 && outcome.errorLines.count == 1)
            #expect(
                outcome.errors.contains(
                    "--schedule: forwards.csv has forwards alone, which train nothing; run evaluates by it"))
        }
    }

    @Test(
        "a flag that none of the schedules has a use for is refused",
        arguments: [
            ("--waves 2", "--waves: is for none of the schedules; it is for hanayo"),
            ("--group-size 2", "--group-size: is for none of the schedules; it is for interleaved, interleaved-zb"),
            (
                "--virtual-stages 4",
                "--virtual-stages: is for none of the schedules; it is for interleaved, looped-bfs, hanayo"
            ),
        ])
    func useless(flag: String, words: String) throws {
        let flags = flag.split(separator: " ").map(String.init)
        for command in [["compare"] + quick, ["sweep", "--dry-run"] + tiny] {
            let outcome = try Command.run(command + ["--schedule", "1f1b,zb-h1"] + flags)
            #expect(outcome.code == 64 && outcome.errors.contains(words), "\(outcome.errors)")
        }
    }

    @Test("what was left out of a file is told by run and compare too, as text and as JSON") func fileNotes() throws {
        let comms = folder.path("comms.csv")
        #expect(try Command.run("schedule", mine, "--comms", comms).code == 0)
        let words = "comms.csv: left out: 2 REDUCE_GRAD"
        let run = try Command.run(["run", "--schedule", comms, "--warmup", "0", "--measure", "1"] + tiny)
        #expect(run.output.contains("\nnote: \(words)\n"), "\(run.output)")
        let table = try Command.run(["compare", "--schedule", comms] + quick)
        #expect(table.output.contains("\nnote: \(words)\n"), "\(table.output)\(table.errors)")
        let json = try Command.json(["compare", "--schedule", comms] + quick)
        #expect((json["notes"] as? [String])?.contains(words) == true)
    }

    @Test("without GPipe tokens/s are told over the first schedule's") func withoutGPipe() throws {
        let page = folder.path("page.html")
        func header(_ schedules: String) throws -> String {
            let table = try Command.run(["compare", "--schedule", schedules, "--html", page] + quick)
            return String(try #require(table.output.split(separator: "\n").first { $0.contains("tokens/s") }))
        }
        #expect(try header("\(mine),1f1b").contains("  x mine.csv  "))
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("x mine.csv"))
        #expect(try header("1f1b,gpipe").contains("  x GPipe  "))
        let made = try MadeUpComparison().figures([
            .init(schedule: .oneFOneB, milliseconds: [100, 100, 100]),
            .init(schedule: .zeroBubble, milliseconds: [80, 80, 80]),
            .init(schedule: .zeroBubble, transport: .processes, milliseconds: [50, 50, 50]),
        ])
        #expect(made.base.name == "1F1B" && made.base.ratio(made.candidates[1])?.estimate.value == 1.25)
        #expect(made.base.ratio(made.candidates[0])?.isToItself == true && made.base.ratio(made.candidates[2]) == nil)
    }

    @Test("what is left of a rounded sum is told as 0") func rounding() throws {
        let tenths = ["--forward", "0.1", "--input-gradient", "0.1", "--weight-gradient", "0.1"]
        let outcome = try Command.run(["schedule", "1f1b"] + tenths)
        #expect(outcome.code == 0 && !outcome.output.contains("e-"), "\(outcome.output)")
    }

    @Test("a file that is called as a named schedule is, is not compared or swept with it") func namedFile() throws {
        let path = try folder.file("GPipe", Array("0F0,0F1,0B0,0B1\n1F0,1F1,1B0,1B1\n".utf8))
        for command in [["compare"] + quick, ["sweep", "--dry-run"] + tiny] {
            let outcome = try Command.run(command + ["--schedule", "gpipe,\(path)"])
            #expect(outcome.code == 64)
            #expect(
                outcome.errors.contains(
                    "--schedule: a file is, as a named schedule is, called GPipe, and rows are told apart by names"))
        }
    }

    @Test("a time that is next to none beside others is drawn without names") func nextToNone() throws {
        let outcome = try Command.run("schedule", mine, "--forward", "1e-300")
        #expect(outcome.code == 0 && outcome.output.contains("\n= is a forward, # a backward"), "\(outcome.errors)")
    }

    @Test("an order that misses the bound by next to nothing is not said to reach it") func nearly() throws {
        // With 1W0 behind 1I1 it would take a unit less.
        let path = try folder.file(
            "late.csv", Array("0F0,0F1,0I0,0W0,0I1,0W1\n1F0,1I0,1W0,1F1,1I1,1W1\n".utf8))
        let outcome = try Command.run("schedule", path, "--forward", "100000")
        #expect(
            outcome.output.contains(
                "makespan  300005; bound 300004, proven by rank 1: less than 0.01 % above what no order can beat"))
    }

    @Test("sizes that a file contradicts are refused by verify too, where no other schedule takes them")
    func verifySizes()
        throws
    {
        for (flag, asked, own) in [("--stages", "1,3", 2), ("--microbatches", "4", 2)] {
            let outcome = try Command.run(["verify", "--schedule", mine, flag, asked] + tiny)
            #expect(outcome.code == 64)
            #expect(
                outcome.errors
                    == "ppthreads verify: \(flag): \(asked) is asked for, and mine.csv has \(own); leave it out\n")
        }
    }

    @Test("two files of one name are not compared, since rows would not tell which is which") func oneName() throws {
        try FileManager.default.createDirectory(atPath: folder.path("other"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: mine, toPath: folder.path("other/mine.csv"))
        let outcome = try Command.run(["compare", "--schedule", "\(mine),\(folder.path("other/mine.csv"))"] + quick)
        #expect(outcome.code == 64)
        #expect(
            outcome.errors
                == "ppthreads compare: --schedule: two files are called mine.csv, and rows are told apart by names\n")
    }

    @Test("a file's name does not act on the terminal, nor on the page") func hiddenCharacters() throws {
        let path = try folder.file("e\u{1B}\n\u{202E}x.csv", Array("0F0,0B0\n".utf8))
        let (table, page) = (try Command.run("schedule", path), folder.path("page.html"))
        let name = "e\\u{1B}\\n\\u{202E}x.csv"
        #expect(table.code == 0 && table.output.hasPrefix("\(name): 1 rank, 1 stage"), "\(table.output)\(table.errors)")
        #expect(try Command.run("schedule", path, "--html", page).code == 0)
        let text = try String(contentsOfFile: page, encoding: .utf8)
        #expect(text.contains("value=\"file:\(name)\"") && !text.contains("\u{1B}") && !text.contains("\u{202E}"))
    }

    @Test("what forwards alone cannot give is refused: gradients, and rows beside those of training") func noGradients()
        throws
    {
        let path = try folder.file("forwards.csv", Array("0F0,0F1\n1F0,1F1\n".utf8))
        let run = try Command.run(["run", "--schedule", path, "--save-grads", folder.path("g")] + tiny)
        #expect(run.code == 64)
        #expect(run.errors.contains("--save-grads: there are no gradients by forwards.csv, which has forwards alone"))
        let sweep = try Command.run(["sweep", "--dry-run", "--schedule", path] + tiny)
        #expect(sweep.code == 64 && sweep.errors.contains("forwards.csv has forwards alone"))
        let evaluation = try Command.run(["sweep", "--dry-run", "--forward-only", "--schedule", path] + tiny)
        #expect(evaluation.code == 0, "\(evaluation.errors)")
    }
}
