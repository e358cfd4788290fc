// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What flags make of an order, in `schedule` and where other commands take one by name.
struct ScheduleFlagTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    private func report(_ arguments: String...) throws -> [String: Any] {
        try Command.json(["schedule"] + arguments)
    }

    @Test("the JSON has each cost under its own key, and a bound that is not the makespan") func costs() throws {
        let report = try report(
            "hanayo", "--forward", "1", "--input-gradient", "1", "--weight-gradient", "1", "--hand-off", "0")
        #expect(report["makespan"] as? Double == 65)
        #expect(report["bound"] as? Double == 57 && report["bound_rank"] as? Int == 3)
        let other = try self.report(
            "gpipe", "--forward", "3", "--input-gradient", "4", "--weight-gradient", "2", "--hand-off", "0.5")
        let values = ["forward", "input_gradient", "weight_gradient", "hand_off"].map { other[$0] as? Double }
        #expect(values == [3, 4, 2, 0.5])
    }

    @Test("edges within a rank are told, and have gradients where there are any") func edges() throws {
        let training = try Command.run("schedule", "zb-v", "--stages", "2", "--microbatches", "4").output
        #expect(
            training.hasSuffix(
                """

                edge  activations out  gradients out
                0-1                 4              2
                1-2                 2              2  within a rank
                2-3                 3              2

                """), "\(training)")
    }

    @Test("--forward-only draws the forwards, whose bound has no backwards either") func forwardOnly() throws {
        let outcome = try Command.run(
            "schedule", "gpipe", "--stages", "2", "--microbatches", "3", "--forward-only", "--forward", "3",
            "--hand-off", "0.5")
        #expect(outcome.code == 0 && !outcome.output.contains("B0"), "\(outcome.errors)")
        // Rank 1 begins at 3.5 and has three forwards of 3.
        #expect(outcome.output.contains("\nmakespan  12.5; bound 12.5, proven by rank "), "\(outcome.output)")
        #expect(outcome.output.hasSuffix("\n0-1                 3              -\n"), "\(outcome.output)")
    }

    @Test("waves and groups make the order that they say") func wavesAndGroups() throws {
        let waves = try report("hanayo", "--stages", "2", "--microbatches", "2", "--waves", "2")
        #expect(waves["rank_of_stage"] as? [Int] == [0, 1, 1, 0, 0, 1, 1, 0])
        // (v - 1)N + 2(P - 1 - r) + 1, with N = 3 and then N = 2.
        let sizes = ["interleaved", "--stages", "2", "--virtual-stages", "2", "--microbatches", "6"]
        let threes = try Command.json(["schedule"] + sizes + ["--group-size", "3"])
        #expect(threes["peak_in_flight"] as? [Int] == [6, 4])
        #expect(try Command.json(["schedule"] + sizes)["peak_in_flight"] as? [Int] == [5, 3])
    }

    @Test("what a file says otherwise than it is read is noted, and that an order is another one") func notes() throws {
        let path = try folder.file("pair.csv", Array("0F0,(0F1;0B0)OVERLAP_F_B,0B1\n".utf8))
        let note = "overlapped cells that are run one action after the other: 1"
        #expect(try report(path)["notes"] as? [String] == [note])
        #expect(try Command.run("schedule", path).output.contains("\nnote: \(note)\n"))
        let same = try report("interleaved", "--virtual-stages", "1")["notes"] as? [String]
        #expect(same == ["with one stage a rank, Interleaved-1F1B is plain 1F1B"])
        #expect(try report("interleaved")["notes"] as? [String] == [])
    }

    @Test("--csv has computations alone, --comms what is sent and received too") func forms() throws {
        let (csv, comms) = (folder.path("a"), folder.path("b"))
        let outcome = try Command.run(
            "schedule", "1f1b", "--stages", "2", "--microbatches", "2", "--csv", csv, "--comms", comms)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(
            try String(contentsOfFile: csv, encoding: .utf8) == "0F0,0F1,0B0,0B1\r\n1F0,1B0,1F1,1B1\r\n")
        #expect(
            try String(contentsOfFile: comms, encoding: .utf8).hasPrefix(
                "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1,0REDUCE_GRAD\r\n1RECV_F0,"))
    }

    @Test("standard output is one flag's alone") func standardOutput() throws {
        let outcome = try Command.run("schedule", "gpipe", "--json", "--csv", "-")
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        #expect(
            outcome.errors
                == "ppthreads schedule: --json: standard output is the file of --csv; it cannot be both\n")
    }

    @Test("a file is known by its ending, in capitals too, without a slash") func endings() throws {
        _ = try folder.file("ORDER.CSV", Array("0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n".utf8))
        _ = try folder.file("cut.TXT", Array("E t | t t t L".utf8))
        _ = try folder.file("cut.layout", Array("E t t t | t L".utf8))
        let order = try folder.shell("\"$@\"", ["schedule", "ORDER.CSV"])
        #expect(order.code == 0 && order.output.hasPrefix("ORDER.CSV: 2 ranks, "), "\(order.errors)")
        let run = ["run", "--warmup", "0", "--measure", "1"] + tiny
        for (name, cut) in [("cut.TXT", "E t | t*3 H"), ("cut.layout", "E t*3 | t H")] {
            let outcome = try folder.shell("\"$@\"", run + ["--partition", name])
            #expect(outcome.output.contains("\nlayout     \(cut)\n"), "\(outcome.errors)")
        }
    }

    @Test("a file's order has no groups and waves to choose") func fixed() throws {
        let path = try folder.file("mine.csv", Array("0F0,0B0\n1F0,1B0\n".utf8))
        for flag in ["--group-size", "--waves"] {
            for command in [["schedule", path], ["run", "--schedule", path]] {
                let outcome = try Command.run(command + [flag, "1"])
                let reason = "an order that is read from a file is as it is; leave it out"
                #expect(outcome.code == 64)
                #expect(outcome.errors == "ppthreads \(command[0]): \(flag): \(reason)\n")
            }
        }
    }

    @Test("groups that make no order are told by their flag; sizes that make none in any groups are not") func groups()
        throws
    {
        for (arguments, reason) in [
            (
                "-p 4 -m 8 --group-size 3",
                "--group-size: Interleaved-1F1B needs groups of at least 4 microbatches on 4 ranks, not of 3"
            ),
            ("-p 4 -m 8 --group-size 9", "--group-size: Interleaved-1F1B has 8 microbatches, which make no group of 9"),
            (
                "-p 65536 -m 65536 --group-size 65536",
                "interleaved: 65536 ranks x 2 stages a rank x 65536 microbatches are more than 16777216 actions"
            ),
        ] {
            let words = arguments.split(separator: " ").map(String.init)
            let outcome = try Command.run(["schedule", "interleaved"] + words)
            #expect(outcome.code == 64 && outcome.errors == "ppthreads schedule: \(reason)\n", "\(outcome.errors)")
        }
        let run = [
            "run", "--schedule", "interleaved", "--virtual-stages", "2", "--microbatches", "4", "--group-size", "3",
        ]
        #expect(
            try Command.run(run + tiny).errors
                == "ppthreads run: --group-size: Interleaved-1F1B needs at least 2 microbatches in the last group on 2 ranks, "
                + "and 4 in groups of 3 leave 1\n")
    }

    @Test("beside a file's order, others have its ranks and microbatches") func sizesOfFile() throws {
        let rows = (0..<3).map { "\($0)F0,\($0)F1,\($0)B0,\($0)B1\n" }
        let path = try folder.file("three.csv", Array(rows.joined().utf8))
        let compared = try Command.run(
            [
                "compare", "--schedule", "gpipe,\(path)", "--transport", "threads", "--trials", "1", "--warmup", "0",
                "--measure", "1",
            ] + tiny)
        #expect(compared.code == 0, "\(compared.errors)")
        #expect(compared.output.contains(", P=3, M=2, "), "\(compared.output)")
        #expect(compared.output.contains("\nlayout: E t | t | t t H\n"), "\(compared.output)")
    }

    @Test("in a grid all orders are fifteen, and groups are for those that take them") func grids() throws {
        let sweep = ["sweep", "--dry-run", "--no-baseline", "--transport", "threads"] + tiny
        let all = try Command.run(sweep + ["--schedule", "all"])
        #expect(all.code == 0 && all.output.contains("\n15 runs with "), "\(all.output)\(all.errors)")
        let groups = try Command.run(sweep + ["--schedule", "gpipe,interleaved", "--group-size", "4"])
        #expect(groups.code == 0 && groups.output.contains("\n2 runs with "), "\(groups.output)\(groups.errors)")
    }

    @Test("what does not fit a file's sizes is told of the file, and by the flag that can be changed") func misfits()
        throws
    {
        let path = try folder.file(
            "three.csv", Array("0F0,0F1,0F2,0B0,0B1,0B2\n1F0,1B0,1F1,1B1,1F2,1B2\n".utf8))
        for (arguments, reason) in [
            (
                ["--batch", "8"],
                "--batch-size: 8 sequences cannot be split into the 3 equal microbatches of three.csv; a multiple of 3 can"
            ),
            (
                ["--batch", "6", "--layers", "1"],
                "--schedule: a uniform partition of 1 layer has at most 1 stage, not 2, which three.csv has"
            ),
            (
                ["--batch", "6", "--partition", "E t t | t | t H"],
                "--partition: the layout has 3 stages, and 2 are needed for three.csv"
            ),
        ] {
            let outcome = try Command.run(["run", "--schedule", path] + arguments)
            #expect(outcome.code == 64 && outcome.errors == "ppthreads run: \(reason)\n", "\(outcome.errors)")
        }
    }

    @Test("in a list, what was meant comes before what lists are") func slip() throws {
        let outcome = try Command.run("sweep", "--schedule", "gpipe,1f1bb")
        let advice = "did you mean 1f1b? names separated by commas, each once, out of: gpipe, "
        #expect(outcome.errors.hasPrefix("ppthreads sweep: --schedule: 'gpipe,1f1bb' is not allowed; \(advice)"))
    }
}
