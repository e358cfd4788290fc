// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `simulate`: figures that were worked out by hand, from times of stages.
struct SimulateTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    /// Two stages of F 2 and 3 ms, B 5 and 6 ms, two microbatches.
    private let stages = [
        "simulate", "--schedule", "gpipe", "--stages", "2", "--microbatches", "2", "--forward", "2ms,3ms", "--backward",
        "5ms,0.006",
    ]

    private func near(_ value: Any?, _ expected: Double) -> Bool {
        abs((value as? Double ?? .nan) - expected) < 1e-9
    }

    @Test("every term, the bound and who is idle, of times that are given for each stage") func terms() throws {
        let report = try Command.json(
            stages + [
                "--packing", "250us,500us", "--update", "1ms,2ms", "--latency", "100us", "--bandwidth", "10M",
                "--item-bytes",
                "4000", "--json",
            ])
        // A hand-off takes 0.4 ms to leave and 0.1 to arrive. Rank 0: F 0-2-4, packing until 4.25. Rank 1: packing 0-0.5, F 2.5-5.5,
        // 5.5-8.5, B 8.5-14.5-20.5, update until 22.5. Rank 0: B 15-20, 21-26, update until 27.
        #expect(near(report["step_s"], 0.027) && near(report["makespan_s"], 0.026))
        // Work 14.25 and 18.5; without hand-offs rank 1's F are 2-5-8, its B 8-14-20, rank 0's 14-19, 20-25.
        #expect(near(report["work_s"], 0.016375) && near(report["imbalance_s"], 0.002125))
        #expect(near(report["bubble_s"], 0.0065) && near(report["oversubscription_s"], 0))
        #expect(near(report["transport_s"], 0.001) && near(report["optimizer_s"], 0.001))
        #expect(report["idle_s"] as? [Double] != nil)
        let idle = try #require(report["idle_s"] as? [Double])
        #expect(near(idle[0], 0.01175) && near(idle[1], 0.0075))
        let inside = try #require(report["idle_inside_s"] as? [Double])
        #expect(near(inside[0], 0.01175) && near(inside[1], 0.002))
        // Rank 1: 2.5 until it can begin, 18 of work, 0.5 and 5 after it.
        #expect(near(report["bound_s"], 0.026) && report["bound_rank"] as? Int == 1)
        #expect(report["tokens_per_s"] == nil && report["memory_bytes"] == nil)
        // All of it on one rank: 2 x 16 and 3.75 once, over 2 x 27.
        #expect(near(report["efficiency"], 35.75 / 54))
        #expect(near(report["handoff_us"], 500))
    }

    @Test("ranks that share a CPU, transfers that block, a slow rank and a slow edge") func circumstances() throws {
        func step(_ more: String...) throws -> Double? {
            try Command.json(stages + more + ["--json"])["step_s"] as? Double
        }
        #expect(near(try step(), 0.025))
        // All work, one after the other, on one CPU: 14 and 18 ms.
        let shared = try Command.json(stages + ["--cpus", "1", "--json"])
        #expect(near(shared["step_s"], 0.032) && (shared["oversubscription_s"] as? Double ?? 0) > 0.006)
        // Rank 1 at half its speed: F 2-8-14, B 14-26-38; rank 0's B 26-31, 38-43.
        #expect(near(try step("--slow-rank", "1:2"), 0.043))
        // F 2-5-8 becomes 3-6-9, B 9-15-21, rank 0's B 16-21, 22-27.
        #expect(near(try step("--slow-edge", "0-1:1ms"), 0.027))
        // Items of 1 ms: rank 0 F 0-2, left at 3, F 3-5, left at 6; rank 1 F 3-6, 6-9, B 9-15, left at 16, B 16-22, left at 23; rank 0
        // B 16-21, 23-28.
        let sizes = ["--bandwidth", "4M", "--item-bytes", "4000"]
        #expect(near(try Command.json(stages + sizes + ["--blocking", "--json"])["step_s"], 0.028))
        // Beside the work: rank 1 F 3-6, 6-9, B 9-15-21, rank 0 B 16-21, 22-27.
        #expect(near(try Command.json(stages + sizes + ["--json"])["step_s"], 0.027))
    }

    @Test("jitter is drawn by the seed, and told with its spread") func jitter() throws {
        let noisy = stages + ["--jitter", "0.1", "--steps", "50"]
        let once = try Command.run(noisy)
        #expect(once.output.contains("of 50 simulated steps"), "\(once.output)")
        #expect(try Command.run(noisy).output == once.output)
        #expect(try Command.run(noisy + ["--seed", "2"]).output != once.output)
        let mean = try #require(try Command.json(noisy + ["--json"])["step_s"] as? Double)
        #expect(mean > 0.0245 && mean < 0.0275)
    }

    @Test(
        "what a model's ranks hold is what a run measures, to the byte",
        arguments: [
            ["--schedule", "1f1b", "--partition", "balanced"], ["--schedule", "zb-v", "--optimizer", "sgd"],
            ["--schedule", "interleaved", "--recompute", "--arch", "gpt"], ["--schedule", "gpipe", "--stages", "1"],
            ["--schedule", "dualpipe", "--microbatches", "4"], ["--schedule", "zb-h1", "--forward-only"],
        ])
    func memory(_ order: [String]) throws {
        let model = ["--dim", "32", "--vocab-size", "211", "--seq-len", "16", "--n-layers", "4", "--json"]
        let simulated = try Command.json(["simulate", "--flops", "10G"] + order + model)
        let run = try Command.json(["run", "--measure", "1", "--warmup", "1"] + order + model)
        for key in ["peak_activation_bytes", "peak_in_flight", "weight_bytes"] {
            #expect(simulated[key] as? [Int] != nil && simulated[key] as? [Int] == run[key] as? [Int], "\(key)")
        }
        let kinds = try #require(run["memory_kinds"] as? [[String: Int]])
        let own = kinds.map { kinds in
            kinds.filter { !["program", "code", "results"].contains($0.key) }.reduce(0) { $0 + $1.value }
        }
        #expect(simulated["memory_bytes"] as? [Int] == own)
    }

    @Test("a grid has a line for each order and size, and says what it leaves out") func grid() throws {
        let path = folder.path("grid.csv")
        let outcome = try Command.run(
            "simulate", "--grid", "--schedule", "1f1b,interleaved,chimera", "--stages", "2,4", "--microbatches", "3,8",
            "--forward",
            "1ms", "--csv", path)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        #expect(
            lines[0].prefix(6) == ["schedule", "stages", "virtual_stages", "microbatches", "tokens_per_s", "step_s"])
        // 1F1B: (M + P - 1) x 3 ms.
        let sizes = lines.dropFirst().filter { $0[0] == "1f1b" }.map { [String($0[1]), String($0[3])] }
        #expect(sizes == [["2", "3"], ["2", "8"], ["4", "3"], ["4", "8"]])
        let steps = lines.dropFirst().filter { $0[0] == "1f1b" }.compactMap { Double($0[5]) }
        #expect(zip(steps, [0.012, 0.027, 0.018, 0.033]).allSatisfy { abs($0 - $1) < 1e-9 } && steps.count == 4)
        #expect(outcome.output.contains("left out: "), "\(outcome.output)")
    }

    @Test("the trace is one that ppthreads trace draws, and the picture is a whole SVG") func outputs() throws {
        let (trace, picture) = (folder.path("step.json"), folder.path("step.svg"))
        #expect(try Command.run(stages + ["--update", "1ms", "--trace", trace, "--svg", picture]).code == 0)
        let drawn = try Command.run("trace", trace, "--width", "60")
        #expect(drawn.code == 0 && drawn.output.contains("rank 1") && drawn.output.contains("26.00 ms"), "\(drawn)")
        let svg = try String(contentsOfFile: picture, encoding: .utf8)
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n") && svg.contains("0B1: from 20.000 to 25.000 ms"))
    }

    @Test(
        "what is missing, too much or of another size is told in a line",
        arguments: [
            ([], "costs are needed: --costs FILE"),
            (["--flops", "1G", "--forward", "1"], "--flops: cannot be given together with --forward"),
            (
                ["--forward", "1ms,2ms,3ms"],
                "--forward: has 3 values for 2 stages; one for all or one for each is allowed"
            ),
            (["--forward", "1ms,x"], "--forward: '1ms,x' is not allowed; a number of seconds from 0 on"),
            (["--input-gradient", "1ms"], "--forward: is needed where other times of stages are given"),
            (
                ["--forward", "1", "--bandwidth", "1G"],
                "--bandwidth: what stages hand on has a size too: give --item-bytes"
            ),
            (["--forward", "1", "--slow-rank", "2:3"], "--slow-rank: there is no rank 2 among 2"),
            (["--forward", "1", "--slow-edge", "1-2:1ms"], "--slow-edge: there is no stage 2 among 2"),
            (["--forward", "1", "--slow-edge", "1-3:1ms"], "neighbouring stages and their link, such as 1-2:5ms"),
            (
                ["--forward", "1", "--stages", "2,4"],
                "--stages: one order of one size is simulated; --grid takes lists"
            ),
            (["--forward", "1", "--dim=48"], "--dim: there is no model where --forward gives times of stages"),
            (["--flops", "0"], "--flops: '0' is not allowed; a number above 0"),
            (["--forward", "1", "--csv", "/dev/null"], "--csv: is of the lines of --grid"),
        ])
    func refusals(_ arguments: [String], _ message: String) throws {
        let outcome = try Command.run(["simulate"] + arguments)
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        #expect(
            outcome.errors.hasPrefix("ppthreads simulate: ") && outcome.errors.contains(message), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }
}
