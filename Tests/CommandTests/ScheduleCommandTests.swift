// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What `schedule` draws, says and writes.
struct ScheduleCommandTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    private func schedule(_ arguments: String...) throws -> Command.Outcome {
        try Command.run(["schedule"] + arguments)
    }

    @Test("an order is drawn in unit times, with its makespan beside what no order can beat") func drawing() throws {
        let outcome = try schedule("1f1b", "--stages", "3", "--microbatches", "4")
        #expect(
            outcome.output == """
                1F1B: 3 ranks, 3 stages, 4 microbatches; F 1, I 1, W 1, hand-offs free
                rank 0  F0 F1 F2 .. .. .. .. B0### F3 B1### .. B2### .. B3###
                rank 1  .. F0 F1 .. .. B0### F2 B1### F3 B2### .. B3### .. ..
                rank 2  .. .. F0 B0### F1 B1### F2 B2### F3 B3### .. .. .. ..

                makespan  18; bound 18, proven by rank 2: no order of these actions takes less
                bubble    33.3 % of ranks x makespan; inside a rank, from its first action to its last, 6 at most
                results   those of one stage, to the bit

                rank  stages  work  idle  inside  in flight at most
                0     0         12     6       6                  3
                1     1         12     6       3                  2
                2     2         12     6       0                  1

                edge  activations out  gradients out
                0-1                 3              3
                1-2                 2              2

                """)
    }

    @Test("times may be any; a step that is too wide is squeezed, and the distance from the bound is told")
    func times() throws {
        let costs = ["--forward", "3", "--input-gradient", "4", "--weight-gradient", "2", "--hand-off", "0.5"]
        let wide = try Command.run(["schedule", "gpipe", "--stages", "2", "--microbatches", "2"] + costs)
        let lines = wide.output.split(separator: "\n")
        #expect(lines[0] == "GPipe: 2 ranks, 2 stages, 2 microbatches; F 3, I 4, W 2, a hand-off 0.5")
        #expect(lines[3] == "makespan  28; bound 28, proven by rank 1: no order of these actions takes less")
        let hanayo = try Command.run(["schedule", "hanayo", "--width", "40"])
        #expect(hanayo.output.contains("makespan  65; bound 57, proven by rank 3: 14.0 % above what no order can beat"))
        let drawn = hanayo.output.split(separator: "\n").filter { $0.hasPrefix("rank ") && $0.contains("=") }
        #expect(drawn.count == 4 && drawn.allSatisfy { $0.count <= 48 })
    }

    @Test("the JSON has every figure under its key") func json() throws {
        let report = try Command.json(["schedule", "zb-v", "--stages", "2", "--microbatches", "4"])
        #expect(
            Set(report.keys) == [
                "name", "ranks", "stages", "microbatches", "copies", "replicas", "rank_of_stage", "forward",
                "input_gradient",
                "weight_gradient", "hand_off", "makespan", "bound", "bound_rank", "bubble", "idle", "idle_inside",
                "peak_in_flight", "activation_slots", "gradient_slots", "bits", "notes",
            ])
        #expect(report["name"] as? String == "zb-v" && report["rank_of_stage"] as? [Int] == [0, 1, 1, 0])
        #expect(report["makespan"] as? Double == 25 && report["idle"] as? [Double] == [1, 1])
        #expect(report["idle_inside"] as? [Double] == [0, 0] && report["peak_in_flight"] as? [Int] == [4, 4])
        #expect(
            report["activation_slots"] as? [Int] == [4, 2, 3, 0] && report["gradient_slots"] as? [Int] == [0, 2, 2, 2])
        #expect(report["bubble"] as? Double == 0.04 && report["bits"] as? String == "as one stage")
    }

    @Test("copies of the stages are told, drawn by their stages' numbers, and have no edge between them") func copies()
        throws
    {
        let chimera = try schedule(
            "chimera", "-p", "2", "-m", "2", "--input-gradient", "0.5", "--weight-gradient", "0.5")
        #expect(
            chimera.output == """
                Chimera: 2 ranks, 2 copies of 2 stages, 2 microbatches; F 1, I 0.5, W 0.5, hand-offs free
                rank 0  0F0 3F1 3B1 0B0
                rank 1  2F1 1F0 1B0 2B1

                makespan  4; bound 4, proven by rank 0: no order of these actions takes less
                bubble    0.0 % of ranks x makespan; inside a rank, from its first action to its last, 0 at most
                results   those of one stage to rounding: weight gradients are added up in each of the 2 copies of the stages first, and then over the copies

                rank  stages  work  idle  inside  in flight at most
                0     0 3        4     0       0                  2
                1     1 2        4     0       0                  2

                edge  activations out  gradients out
                0-1                 1              1
                2-3                 1              1

                """)
    }

    @Test("replicas stand side by side, and a page has none") func replicas() throws {
        let report = try Command.json(["schedule", "1f1b", "-p", "2", "-m", "3", "--replicas", "2"])
        #expect(report["ranks"] as? Int == 4 && report["stages"] as? Int == 4 && report["microbatches"] as? Int == 6)
        #expect(report["copies"] as? Int == 2 && report["replicas"] as? Int == 2)
        #expect(
            report["rank_of_stage"] as? [Int] == [0, 1, 2, 3] && report["peak_in_flight"] as? [Int] == [2, 1, 2, 1])
        #expect(report["name"] as? String == "1f1b" && report["makespan"] as? Double == 12)
        let path = folder.path("two.csv")
        #expect(try schedule("chimera", "-p", "2", "-m", "4", "--replicas", "2", "--csv", path).code == 0)
        let read = try Command.json(["schedule", path])
        #expect(read["copies"] as? Int == 4 && read["replicas"] as? Int == 1)
        let page = try schedule("all", "--html", folder.path("x.html"), "--replicas", "2")
        #expect(page.code == 64 && page.errors.contains("--replicas: is of one order's drawing"))
        #expect(try schedule("1f1b", "--replicas", "0").code == 64)
    }

    @Test("an order that is written as a file is the same order, in every command") func files() throws {
        let sizes = ["--stages", "2", "--microbatches", "4"]
        let (csv, comms) = (folder.path("o.csv"), folder.path("c.csv"))
        let written = try Command.run(["schedule", "v-half", "--csv", csv, "--comms", comms] + sizes)
        #expect(written.code == 0, "\(written.errors)")
        let expected = try Command.json(["schedule", "v-half"] + sizes)
        for path in [csv, comms] {
            let read = try Command.json(["schedule", path])
            for key in ["makespan", "idle", "peak_in_flight", "rank_of_stage", "activation_slots"] {
                #expect("\(read[key]!)" == "\(expected[key]!)", "\(key)")
            }
            let run = ["run", "--measure", "2"] + tiny
            let named = try Command.json(run + ["--schedule", "v-half"] + sizes)
            let filed = try Command.json(run + ["--schedule", path])
            #expect(filed["loss_history"] as? [Double] == named["loss_history"] as? [Double])
            #expect((filed["schedule"] as? String)?.contains(".csv:") == true && filed["stages"] as? Int == 2)
        }
        let verified = try Command.run(["verify", "--schedule", comms, "--arch", "gpt", "--steps", "1"])
        #expect(verified.code == 0 && verified.output.hasSuffix("4 equal, 0 different, 0 that do not fit\n"))
        let compared = try Command.json(
            ["compare", "--schedule", "\(csv),gpipe", "--transport", "threads", "--trials", "1", "--measure", "1"]
                + tiny)
        #expect((compared["rows"] as? [[String: Any]])?.compactMap { $0["schedule"] as? String } == ["o.csv", "gpipe"])
        let svg = try Command.run(["schedule", csv, "--svg", "-"]).output
        #expect(svg.hasPrefix("<svg ") && unbalancedTags(" " + svg).isEmpty)
    }

    @Test("orders whose backwards do not ascend are held to rounding") func rounding() throws {
        let outcome = try Command.run([
            "verify", "--schedule", "looped-bfs", "--arch", "decoder", "--microbatches", "4", "--steps", "1",
        ])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("rounded   decoder Looped BFS threads P=2 v=2 M=4 uniform: "))
        #expect(outcome.output.hasSuffix("12 equal to rounding, 0 different, 0 that do not fit\n"))
    }

    @Test("flags that a file contradicts, and files that are no schedules, are refused with what is wrong")
    func refusals() throws {
        let path = try folder.file("mine.csv", Array("0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n".utf8))
        for (flag, own) in [("--stages", 2), ("--microbatches", 2), ("--virtual-stages", 1)] {
            for command in [["schedule", path], ["run", "--schedule", path]] {
                let outcome = try Command.run(command + [flag, "3"])
                #expect(outcome.code == 64)
                #expect(
                    outcome.errors
                        == "ppthreads \(command[0]): \(flag): 3 is asked for, and mine.csv has \(own); leave it out\n")
            }
        }
        let wrong = try folder.file("wrong.csv", Array("0F0,0F1,0B0,0B1\n1F0,1B0,1X1,1B1\n".utf8))
        for command in [["schedule", wrong], ["run", "--schedule", wrong], ["verify", "--schedule", wrong]] {
            let outcome = try Command.run(command)
            #expect(outcome.code == 65 && outcome.errorLines.count == 1)
            #expect(outcome.errors.contains("wrong.csv: row 2, column 3: "), "\(outcome.errors)")
        }
        let unknown = try schedule("1f2b")
        #expect(unknown.code == 64 && unknown.errors.contains("did you mean 1f1b?"), "\(unknown.errors)")
        let more = try schedule("--list", "--markdown", "x")
        #expect(more.errors.hasSuffix(": --list: takes --markdown and nothing else, and 'x' follows\n"))
        let late = try schedule("gpipe", "--list")
        #expect(late.code == 64 && late.errors.hasSuffix(": --list: stands alone: ppthreads schedule --list\n"))
        let few = try schedule("dualpipe-v", "-m", "4")
        #expect(few.code == 64 && few.errors.contains("needs at least 8 microbatches on 4 ranks, and has 4"))
        #expect(try schedule("--list", "x").code == 64 && Command.run("schedule").code == 64)
    }
}
