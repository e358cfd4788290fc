// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct RunCommandTests {
    private let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("the table names the figures that a person asks for") func table() throws {
        let outcome = try Command.run(["run"] + tiny)
        #expect(outcome.code == 0)
        for word in ["tokens/s", "step ", "median", "loss", "rank", "weights", "activations", "CPU", "1F1B on threads"]
        {
            #expect(outcome.output.contains(word), "\(word)")
        }
        #expect(outcome.errors.isEmpty)
    }

    @Test(
        "the JSON object has the promised keys, in one object", arguments: ["threads", "processes", "sockets", "unix"])
    func json(transport: String) throws {
        let report = try Command.json(["run", "--transport", transport, "--warmup", "1", "--measure", "4"] + tiny)
        for key in [
            "schedule", "transport", "stages", "microbatches", "tokens_per_s", "step_s_median", "loss", "loss_history",
            "peak_activation_bytes",
        ] {
            #expect(report[key] != nil, "\(key)")
        }
        #expect(report["transport"] as? String == transport)
        #expect((report["loss_history"] as? [Double])?.count == 5)
        #expect((report["step_s"] as? [Double])?.count == 4)
        #expect((report["peak_activation_bytes"] as? [Int])?.count == 2)
        let median = try #require(report["step_s_median"] as? Double)
        let rate = try #require(report["tokens_per_s"] as? Double)
        #expect(abs(rate * median - 60) < 1e-6)
    }

    @Test("the CSV starts with the reference runner's columns") func csv() throws {
        let outcome = try Command.run(["run", "--emit-csv", "--measure", "4"] + tiny)
        let lines = outcome.output.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        #expect(lines.count == 2 && lines[0].count == lines[1].count)
        #expect(
            lines[0].prefix(13).joined(separator: ",")
                == "schedule,world_size,layers,heads,hidden_dim,seq_len,batch_size,microbatches,threads,avg_step_time_s,"
                + "total_time_s,tokens_per_s,timestamp")
        #expect(lines[1].prefix(9).joined(separator: ",") == "1f1b,2,4,2,16,5,12,4,1")
        let numbers = lines[1][9...11].compactMap { Double($0) }
        #expect(numbers.count == 3 && abs(numbers[0] * 4 - numbers[1]) < 1e-9)
        #expect(abs(numbers[2] * numbers[0] - 60) < 1e-6)
        #expect(lines[1][12].wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
    }

    @Test("the docs explain the CSV's columns, in their order") func columns() throws {
        let outcome = try Command.run(["run", "--emit-csv"] + tiny)
        let names = try #require(outcome.output.split(separator: "\n").first).split(separator: ",")
        let document = try String(contentsOf: repository.appending(path: "docs/commands.md"), encoding: .utf8)
        let below = try #require(document.range(of: "### The CSV's columns"))
        let rows = document[below.upperBound...].matches(of: /\n\| `([a-z0-9_]+)` \| [^|]* \| [^|]+ \|/)
        #expect(rows.map { String($0.output.1) } == names.map(String.init))
    }

    @Test("the reference launcher's short flags mean the same as the long ones") func aliases() throws {
        let short = [
            "--layers", "2", "--heads", "2", "--batch", "4", "--procs", "2", "--warmup", "0", "--measure", "1",
        ]
        let long = [
            "--n-layers", "2", "--n-heads=2", "--batch-size=4", "--stages", "2", "--warmup-steps", "0",
            "--measure-steps=1",
        ]
        let rest = [
            "run", "--dim", "8", "--vocab-size", "9", "--seq-len", "3", "--threads", "1", "--microbatches", "2",
        ]
        let (a, b) = (try Command.json(rest + short), try Command.json(rest + long))
        #expect(a["loss"] as? Double == b["loss"] as? Double)
        #expect(a["stages"] as? Int == 2 && b["batch_size"] as? Int == 4)
    }

    @Test("a row tells what the weights started from, whatever the checkpoint's folder") func initialInRow() throws {
        let folder = try Folder()
        func initial(_ arguments: [String]) throws -> Substring {
            let row = try Command.run(["run", "--measure", "1", "--emit-csv"] + tiny + arguments).output
                .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
            return row[1][try #require(row[0].firstIndex(of: "init"))]
        }
        #expect(try initial(["--save", folder.path("a")]) == "seed")
        try FileManager.default.createDirectory(atPath: folder.path("b"), withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: folder.path("a"), toPath: folder.path("b/a"))
        let first = try initial(["--init", folder.path("a")])
        #expect(first.hasPrefix("a:") && first.count == 18)
        #expect(try initial(["--init", folder.path("b/a"), "--save", folder.path("a")]) == first)
        // Trained on meanwhile.
        #expect(try initial(["--init", folder.path("a")]) != first)
    }

    @Test("an evaluation's loss is the mean over its measured steps, in every output") func evaluation() throws {
        let arguments = ["run", "--forward-only", "--warmup", "2", "--measure", "3"] + tiny
        let report = try Command.json(arguments)
        let history = try #require(report["loss_history"] as? [Double])
        let mean = (history[2] + history[3] + history[4]) / 3
        let loss = try #require(report["loss"] as? Double)
        #expect(history.count == 5 && abs(loss - mean) < 1e-6 && abs(loss - history[4]) > 1e-4)
        // 12 sequences of 5 tokens.
        let table = try Command.run(arguments).output
        #expect(table.contains("\nloss       \(loss), the mean over 180 tokens of 3 measured steps\n"), "\(table)")
        let row = try Command.run(arguments + ["--emit-csv"]).output.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        #expect(row[1][try #require(row[0].firstIndex(of: "loss"))] == "\(loss)")
        let training = try Command.json(["run", "--warmup", "2", "--measure", "3"] + tiny)
        #expect(training["loss"] as? Double == (training["loss_history"] as? [Double])?.last)
        let one = try Command.run(
            [
                "run", "--forward-only", "--warmup", "0", "--measure", "1", "--microbatches", "1", "--batch", "1",
                "--seq-len", "1",
            ]
                + tiny.dropLast(4))
        #expect(one.output.contains(", the mean over 1 token of 1 measured step\n"))
        #expect(
            one.output.contains("(1 token a step, median step)") && one.output.contains("(1 step after 0 of warm-up)"))
    }

    @Test("that tokens are random is said, with a guess's loss; not of a text") func randomTokens() throws {
        // ln 31 = 3.434
        let decoder = try Command.run(["run"] + tiny).output
        #expect(
            decoder.contains(
                "\nnote: tokens are random: a guess's loss is ln 31 = 3.43, and only an attention that copies "))
        let gpt = try Command.run(["run", "--arch", "gpt"] + tiny).output
        #expect(
            gpt.contains(
                "\nnote: tokens are random: the loss cannot stay below a guess's, ln 31 = 3.43; --data FILE trains on a text\n"
            ))
        let folder = try Folder()
        let text = try folder.file("text", Array(String(repeating: "to be ", count: 40).utf8))
        #expect(
            !(try Command.run(
                ["run", "--data", text, "--vocab-size", "256"] + tiny.filter { !["--vocab-size", "31"].contains($0) }
            ).output.contains("random")))
    }

    @Test("a run says how long it took in all, and until its first step") func duration() throws {
        let report = try Command.json(["run", "--measure", "4", "--warmup", "3"] + tiny)
        let all = try #require(report["total_s"] as? Double)
        let setUp = try #require(report["set_up_s"] as? Double)
        let steps = try #require(report["step_s"] as? [Double]).reduce(0, +)
        #expect(setUp > 0 && all > setUp + steps)
        let table = try Command.run(["run"] + tiny).output
        #expect(
            table.contains(
                /\ntime       [0-9]+\.[0-9][0-9] s in all, [0-9]+\.[0-9][0-9] s of them before the first step\n/))
    }

    @Test("interleaving that could be is told from interleaving that cannot") func interleaving() throws {
        func note(_ flags: String) throws -> String? {
            let outcome = try Command.run(
                ["run", "--schedule", "interleaved", "--warmup", "0", "--measure", "1"] + tiny
                    + flags.split(separator: " ").map(String.init))
            return outcome.output.split(separator: "\n").first { $0.contains("plain 1F1B") }.map(String.init)
        }
        let plain = "note: with one stage a rank, Interleaved-1F1B is plain 1F1B: "
        #expect(try note("--virtual-stages 1") == plain + "--virtual-stages takes up to 2 here (4 layers on 2 ranks)")
        #expect(try note("--stages 4") == plain + "4 layers on 4 ranks leave nothing to interleave")
        #expect(try note("--stages 1 --layers 1") == plain + "1 layer on 1 rank leaves nothing to interleave")
        #expect(
            try note("--stages 4 --virtual-stages 1 --partition balanced") == plain
                + "--virtual-stages takes up to 2 here (10 units on 4 ranks)")
        #expect(try note("--virtual-stages 2") == nil)
    }

    @Test("every exit code is in the top help and in the docs' table") func exitCodes() throws {
        let document = try String(contentsOf: repository.appending(path: "docs/commands.md"), encoding: .utf8)
        let help = try Command.run("help").output
        for code in [0, 64, 65, 69, 70] {
            #expect(help.contains(" \(code) "), "\(code)")
            #expect(document.contains("\n| \(code) | "), "\(code)")
        }
        #expect(help.contains(" 129 to 143 ") && document.contains("\n| 129 to 143 | "))
    }

    @Test("the docs' table of the CSV's columns has every name that a flag takes") func choices() throws {
        let document = try String(contentsOf: repository.appending(path: "docs/commands.md"), encoding: .utf8)
        let help = try Command.run("help", "run").output
        for flag in ["schedule", "transport", "arch", "partition", "optimizer"] {
            let line = try #require(help.split(separator: "\n").first { $0.hasPrefix("  --\(flag) ") })
            // What has spaces is no name: a file, a layout.
            let names = try #require(line.split(separator: ": ").last).split(separator: " [")[0].split(separator: ", ")
                .filter { !$0.contains(" ") }
            let row = try #require(
                document.split(separator: "\n").first { $0.hasPrefix("| `\(flag)` | `\(flag)` | - | ") })
            #expect(names.count > 1)
            for name in names { #expect(row.contains("`\(name)`"), "\(flag): \(name)") }
        }
    }

    @Test("a flag's value is all that stands behind its first equals sign") func equalsSign() throws {
        let folder = try Folder()
        #expect(try Command.run(["run", "--measure", "1", "--save=\(folder.path("a=b"))"] + tiny).code == 0)
        #expect(try folder.names() == ["a=b"])
    }

    @Test("interleaving with one stage a rank is said to be plain 1F1B") func plainInterleaved() throws {
        let same = try Command.run(["run", "--schedule", "interleaved", "--stages", "4"] + tiny)
        #expect(same.output.contains("Interleaved-1F1B is plain 1F1B"))
        let real = try Command.run(["run", "--schedule", "interleaved", "--stages", "2"] + tiny)
        #expect(!real.output.contains("plain 1F1B") && real.output.contains("v=2"))
    }

    @Test("ranks that share CPUs are told of") func sharing() throws {
        let outcome = try Command.run(["run", "--stages", "4", "--pin", "0"] + tiny)
        #expect(outcome.output.contains("4 of 4 ranks share CPU 0, round-robin"))
    }

    @Test("threads and processes train to the same bits on a text, and save the same checkpoint") func realInput()
        throws
    {
        let folder = try Folder()
        let text = try folder.file(
            "text", Array(String(repeating: "to be or not to be, that is the question. ", count: 40).utf8))
        func train(_ transport: String, _ stages: String) throws -> ([Double], Data) {
            let saved = folder.path("\(transport)\(stages)")
            let report = try Command.json([
                "run", "--arch", "gpt", "--data", text, "--layers", "2", "--heads", "2", "--dim", "32", "--seq-len",
                "16",
                "--batch", "8", "--lr", "1e-2", "--warmup", "0", "--measure", "60", "--stages", stages, "--transport",
                transport, "--save", saved,
            ])
            return (try #require(report["loss_history"] as? [Double]), try Data(contentsOf: URL(filePath: saved)))
        }
        let (threads, weights) = try train("threads", "2")
        #expect(threads[0] > 5.3 && threads[0] < 5.8)
        #expect(threads[59] < 1.5)
        let (processes, sameWeights) = try train("processes", "2")
        #expect(processes == threads && sameWeights == weights)
        let (alone, aloneWeights) = try train("threads", "1")
        #expect(alone == threads && aloneWeights == weights)
    }

    @Test("a diverged loss is reported as what it is") func divergence() throws {
        let report = try Command.json(["run", "--optimizer", "sgd", "--lr", "1000", "--measure", "30"] + tiny)
        #expect(report["loss"] as? String == "NaN")
    }

    @Test("every command explains itself; every flag in the help is in the docs, and the other way round")
    func help() throws {
        for command in [
            "compare", "sweep", "analyze", "run", "schedule", "trace", "verify", "doctor",
            "profile", "simulate", "plan", "completions", "manual",
        ] {
            for arguments in [
                ["help", command], [command, "--help"], [command, "-h"], [command, "--seed", "3", "--help"],
            ] {
                let outcome = try Command.run(arguments)
                #expect(outcome.code == 0 && outcome.output.contains("Usage: ppthreads \(command)"))
            }
        }
        #expect(try Command.run("--version").output.hasPrefix("ppthreads "))
        let document = try String(contentsOf: repository.appending(path: "docs/commands.md"), encoding: .utf8)
        let help = try [
            "compare", "sweep", "analyze", "run", "schedule", "profile", "simulate", "plan", "trace", "verify",
        ].map {
            try Command.run("help", $0).output
        }
        .joined()
        func flags(_ text: String) -> Set<String> { Set(text.matches(of: /--[a-z][a-z-]*/).map { String($0.output) }) }
        let other: Set = ["--flag", "--version", "--help"]
        #expect(flags(help).subtracting(flags(document)).subtracting(other).isEmpty)
        #expect(flags(document).subtracting(flags(help)).subtracting(other).isEmpty)
    }

    @Test("doctor tells of CPUs, caches, shared memory and kernels") func doctor() throws {
        let outcome = try Command.run("doctor")
        #expect(outcome.code == 0)
        for word in ["CPUs to use", "cores", "NUMA", "caches", "/dev/shm", "kernels", "locked memory"] {
            #expect(outcome.output.contains(word), "\(word)")
        }
    }

    @Test("verify finds every fitting combination equal") func verify() throws {
        let outcome = try Command.run(
            "verify", "--arch", "gpt", "--stages", "2", "--microbatches", "3", "--layers", "4", "--steps", "1")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(
            outcome.output.hasSuffix("44 equal, 4 equal to rounding, 0 different, 12 that do not fit\n"))
    }
}
