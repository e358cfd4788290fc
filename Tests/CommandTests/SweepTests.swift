// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct SweepTests {
    private let folder: Folder
    private let out: String

    init() throws {
        folder = try Folder()
        out = folder.path("results.csv")
    }

    private func sweep(_ arguments: [String], through launcher: [String] = []) throws -> Command.Outcome {
        try Command.run(["sweep", "--out", out] + smallest + arguments, through: launcher)
    }

    /// Every choice of one word from each list.
    private static func choices(_ lists: [[String]]) -> [String] {
        lists.dropFirst().reduce(lists[0]) { begun, words in begun.flatMap { start in words.map { "\(start) \($0)" } } }
    }

    @Test("each combination of the lists has one row for each repetition, and each model one on one stage")
    func grid() throws {
        let outcome = try sweep([
            "--layers", "2,4", "--heads", "1,2", "--dim", "8", "--stages", "2,4", "--microbatches", "2,4", "--threads",
            "1,2", "--schedule", "gpipe,1f1b", "--repeat", "2",
        ])
        #expect(outcome.code == 0, "\(outcome.errors)")
        let (models, rest) = ([["2", "4"], ["1", "2"], ["8"]], [["2", "4"], ["1", "2"], ["uniform"]])
        let all = Self.choices(
            models + [["2", "4"]] + rest + [["gpipe", "1f1b"], ["threads"], ["1", "2"]])
        let oneStage = Self.choices(models + [["1"]] + rest + [["gpipe"], ["threads"], ["1", "2"]])
        let expected = Set(all.filter { !$0.contains(/^2 . 8 4/) } + oneStage)
        let contents = try SweepFileContents(out)
        #expect(contents.runs.count == expected.count && Set(contents.runs) == expected)
        var handoffs: [Double] = []
        for row in contents.rows {
            let speed = try #require(Double(row["tokens_per_s"]!))
            #expect(abs(speed * Double(row["avg_step_time_s"]!)! - 24) < 1e-9)
            #expect(Double(row["step_s_p25"]!)! <= Double(row["step_s_p75"]!)!)
            #expect(row["handoff_us"]!.isEmpty == (row["world_size"] == "1"))
            // In microseconds: less than a step, and nothing where a rank lost all of the time to others.
            if let handoff = Double(row["handoff_us"]!) {
                handoffs.append(handoff)
                #expect(handoff >= 0 && handoff < Double(row["step_s_max"]!)! * 1e6)
            }
            #expect(Int(row["peak_in_flight"]!)! >= 1 && row["error"] == "" && row["format"] == "7")
        }
        // Some nanoseconds at least.
        #expect(handoffs.contains { $0 > 0.01 })
        #expect(outcome.errorLines.count == 2 * 2 * 2 * 2)
        #expect(outcome.errorLines.allSatisfy { $0.hasPrefix("no fit") && $0.contains("has at most 2 stages, not 4") })
    }

    @Test("stages a rank are those of schedules that take any number; the others have their own") func stagesOfRank()
        throws
    {
        let outcome = try sweep([
            "--layers", "4", "--virtual-stages", "2", "--schedule", "gpipe,1f1b,interleaved,zb-h1", "--no-baseline",
        ])
        #expect(outcome.code == 0, "\(outcome.errors)")
        let rows = try SweepFileContents(out).rows
        #expect(
            rows.map { "\($0["schedule"]!) \($0["virtual_stages"]!)" }.sorted() == [
                "1f1b 1", "gpipe 1", "interleaved 2", "zb-h1 1",
            ])
    }

    @Test("runs that differ in pinning alone are told apart") func pinning() throws {
        let grid = ["--stages", "2", "--schedule", "gpipe", "--no-baseline"]
        for pin in ["auto", "none", "0,0", "none"] { #expect(try sweep(grid + ["--pin", pin]).code == 0) }
        #expect(try SweepFileContents(out).rows.map { $0["pin"]! } == ["auto", "none", "0,0"])
    }

    @Test("a link that hand-offs are made as slow as is a setting, and one stage, which hands on nothing, has none")
    func link() throws {
        let grid = ["--stages", "2", "--schedule", "gpipe"]
        let flags = ["--inject-link", "1ms", "--inject-jitter", "500us"]
        #expect(try sweep(grid + flags).code == 0)
        let second = try sweep(grid)
        #expect(second.output.contains("2 runs, 0 of them failed, 1 were there before"), "\(second.output)")
        let rows = try SweepFileContents(out).rows
        #expect(
            Set(rows.map { "\($0["world_size"]!) \($0["injected_link"]!)" })
                == ["2 1ms+0.5ms", "2 ", "1 "])
        #expect(rows.count == 3)
        // Four microbatches there and back.
        let slow = try #require(rows.first { $0["injected_link"] != "" })
        #expect(Double(slow["step_s_min"]!)! >= 0.002)
        // Both are compared with the same run on one stage.
        let summary = try Command.run(["analyze", out, "--summary", "-"]).output.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        let column = try #require(summary[0].firstIndex(of: "True Efficiency (%)"))
        #expect(summary.count == 4 && summary.dropFirst().allSatisfy { Double($0[column]) ?? 0 > 0 }, "\(summary)")
    }

    @Test("rounds have their runs in different orders, which the seed decides") func orders() throws {
        func runs(_ seed: String) throws -> [String] {
            try? FileManager.default.removeItem(atPath: out)
            _ = try sweep(["--stages", "1,2,4", "--transport", "threads,unix", "--repeat", "2", "--order-seed", seed])
            return try SweepFileContents(out).runs
        }
        let first = try runs("0")
        let half = first.count / 2
        #expect(first[..<half].allSatisfy { $0.hasSuffix(" 1") } && first[half...].allSatisfy { $0.hasSuffix(" 2") })
        #expect(first[..<half].map { $0.dropLast() } != first[half...].map { $0.dropLast() })
        #expect(try runs("0") == first)
        #expect(try runs("1") != first)
    }

    @Test(
        "the reference preset is the reference study's grid, and flags change it wherever they stand",
        arguments: [
            ("", 54, 18), ("--transport threads,processes", 108, 18), ("--no-baseline", 54, 0),
            ("--layers 4 --heads 4", 6, 2), ("--microbatches 8", 54, 9), ("--stages 2,4,8", 69, 24),
        ])
    func preset(flags: String, combinations: Int, baselines: Int) throws {
        let flags = flags.split(separator: " ").map(String.init)
        for arguments in [["--preset", "reference"] + flags, flags + ["--preset", "reference"]] {
            let outcome = try Command.run(["sweep", "--dry-run", "--out", out] + arguments + ["--batch", "16"])
            #expect(outcome.code == 0)
            let runs = outcome.output.split(separator: "\n").filter { $0.hasPrefix("run ") }
            #expect(runs.count { !$0.contains(" P=1 ") } == combinations && Set(runs).count == runs.count)
            #expect(runs.count { $0.contains(" P=1 ") } == baselines)
            #expect(outcome.output.contains("\n\(combinations + baselines) runs with "))
            if flags.first != "--microbatches" {
                for (stages, microbatches) in [(2, 4), (4, 8)] {
                    #expect(
                        runs.filter { $0.contains(" P=\(stages) ") }.allSatisfy { $0.contains(" M=\(microbatches) ") })
                }
            }
        }
        #expect(!FileManager.default.fileExists(atPath: out))
    }

    @Test("a run that fails is a row that says why, the others go on, and the code tells")
    func failure() throws {
        // Twelve stages exchange through 22 pairs of sockets, two stages through 2.
        let grid = [
            "--layers", "12", "--schedule", "gpipe,interleaved", "--transport", "threads,unix", "--stages", "2",
        ]
        let outcome = try sweep(grid, through: ["/bin/sh", "-c", "ulimit -n 32; exec \"$0\" \"$@\""])
        #expect(outcome.code == 70)
        #expect(
            outcome.errors
                == "ppthreads sweep: 5 runs, 1 of them failed, 0 were there before; 0 combinations do not fit; \(out)\n"
        )
        let contents = try SweepFileContents(out)
        #expect(contents.rows.count == 5)
        for row in contents.rows {
            let hasFailed = row["schedule"] == "interleaved" && row["transport"] == "unix"
            #expect(row["error"]!.contains(": EMFILE (") == hasFailed, "\(row["error"]!)")
            for figure in ["avg_step_time_s", "total_time_s", "tokens_per_s", "loss", "work_s", "step_s_p75"] {
                #expect(row[figure]!.isEmpty == hasFailed, "\(figure)")
            }
            #expect(row["timestamp"] != "" && row["os_cpus"] != "")
        }
        // Not tried again, and not forgotten either.
        let again = try sweep(grid)
        #expect(again.code == 70 && again.errors.contains("1 of them failed, 5 were there before"))
        // On a busy machine there is something to say of the others.
        #expect(again.output.split(separator: "\n").allSatisfy { $0.hasPrefix("note: ") })
        #expect(try SweepFileContents(out).text == contents.text)
    }

    @Test("a rank that is killed fails its run, and the reason is one value of the row, commas and all")
    func killedRank() throws {
        let grid = [
            "--schedule", "gpipe", "--transport", "processes", "--no-baseline", "--measure", "10000", "--seq-len",
            "300",
        ]
        let running = try Command.Running(["sweep", "--out", out] + smallest + grid)
        let deadline = Date.now.addingTimeInterval(20)
        while running.children.count < 2 && Date.now < deadline { usleep(2000) }
        usleep(100_000)
        kill(try #require(running.children.last), SIGKILL)
        #expect(running.wait().code == 70)
        let contents = try SweepFileContents(out)
        let reason = try #require(contents.rows.first?["error"])
        // A rank that dies inside a step, as most do here, has a comma in its story.
        #expect(reason.hasPrefix("rank 1 was killed by signal 9 (SIGKILL) "))
        #expect(reason.hasSuffix("; the other ranks were stopped"))
        #expect(try sweep(grid).errors.contains("1 of them failed, 1 were there before"))
    }

    @Test("what does not fit together is told with its reason, and nothing is made when nothing fits")
    func nothingFits() throws {
        let outcome = try sweep(["--stages", "5,6", "--schedule", "gpipe"])
        #expect(outcome.code == 64)
        #expect(outcome.errorLines.count == 3)
        #expect(
            outcome.errors.contains("P=6 M=4 uniform: --stages: a uniform partition of 4 layers has at most 4 stages"))
        #expect(outcome.errors.hasSuffix("ppthreads sweep: none of 2 combinations fits together\n"))
        #expect(!FileManager.default.fileExists(atPath: out))
    }
}

/// Flags of runs that take a few milliseconds each.
let smallest = [
    "--dim", "8", "--heads", "1", "--ffn", "8", "--vocab-size", "9", "--seq-len", "3", "--batch", "8", "--warmup", "0",
    "--measure", "2",
]
