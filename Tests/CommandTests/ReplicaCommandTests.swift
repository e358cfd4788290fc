// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `--replicas`, and orders that hold two copies of the stages, as a user has them.
struct ReplicaCommandTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private let sizes = [
        "--n-layers", "4", "--dim", "24", "--n-heads", "3", "--ffn", "40", "--vocab-size", "53", "--seq-len", "7",
        "--batch-size", "12", "--warmup", "0", "--measure", "2",
    ]

    /// Losses, and the files of weights and gradients: what has to be the same.
    private func results(_ order: [String], _ transport: String) throws -> (losses: [Double], files: [Data]) {
        let paths = ["w", "g"].map { folder.path("\($0)-\(UUID().uuidString).safetensors") }
        let report = try Command.json(
            ["run", "--transport", transport, "--save", paths[0], "--save-grads", paths[1]] + order + sizes)
        let losses = try #require(report["loss_history"] as? [Double])
        return (losses, try paths.map { try Data(contentsOf: URL(filePath: $0)) })
    }

    @Test(
        "losses, weights and gradients are the same to the bit on all transports, and on one rank a replica or two",
        arguments: [
            [
                ["--replicas", "2", "--stages", "2", "--microbatches", "3"],
                ["--replicas", "2", "--stages", "1", "--microbatches", "3"],
            ],
            [
                ["--replicas", "3", "--stages", "1", "--microbatches", "2"],
                ["--replicas", "3", "--stages", "2", "--microbatches", "2"],
            ],
            [["--schedule", "chimera", "--stages", "4", "--microbatches", "4"]],
            [["--schedule", "dualpipe", "--stages", "4", "--microbatches", "12"]],
        ])
    func transports(orders: [[String]]) throws {
        let expected = try results(orders[0], "threads")
        for order in orders {
            for transport in ["threads", "processes", "sockets", "unix"] {
                let found = try results(order, transport)
                #expect(found.losses == expected.losses && found.files == expected.files, "\(transport): \(order)")
            }
        }
    }

    @Test("verify holds replicas to one stage, and their copies to each other") func verify() throws {
        let outcome = try Command.run(
            "verify", "--schedule", "1f1b,chimera", "--transport", "threads,processes", "--partition", "uniform",
            "--arch", "gpt", "--stages", "2", "--replicas", "1,2", "--microbatches", "2", "--steps", "2", "--layers",
            "4")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(
            outcome.output.contains("rounded   gpt 1F1B processes P=2 R=2 M=2 uniform: 2 losses and their gradients; "))
        #expect(outcome.output.hasSuffix("2 equal, 6 equal to rounding, 0 different, 0 that do not fit\n"))
    }

    @Test(
        "run's table and JSON tell of replicas and of what their sums took; without copies the table has no such term")
    func report() throws {
        let arguments = ["run", "--stages", "2", "--microbatches", "3"] + sizes
        let table = try Command.run(arguments + ["--replicas", "2"]).output
        #expect(table.contains("P=4 in 2 replicas, M=6, ") && table.contains("\nreduction "))
        #expect(table.contains("  reducing  "))
        let plain = try Command.run(arguments).output
        #expect(!plain.contains("reduction") && !plain.contains("reducing") && !plain.contains("replicas"))
        let report = try Command.json(arguments + ["--replicas", "2"])
        #expect(report["replicas"] as? Int == 2 && report["stages"] as? Int == 4 && report["microbatches"] as? Int == 6)
        let terms = try #require(report["breakdown"] as? [String: Double])
        #expect(terms["reduction_s"]! > 0)
        let alone = try Command.json(arguments)
        #expect(alone["replicas"] == nil && (alone["breakdown"] as? [String: Double])?["reduction_s"] == 0)
        let odd = try Command.run(["run", "--replicas", "5"] + sizes)
        #expect(odd.code == 64)
        #expect(odd.errors.contains("cannot be split into 5 replicas of 4 equal microbatches"), "\(odd.errors)")
    }

    @Test("a sweep varies replicas, knows them again, and analyze tells them apart") func sweep() throws {
        let path = folder.path("results.csv")
        let arguments =
            [
                "sweep", "--out", path, "--schedule", "1f1b", "--stages", "1,2", "--microbatches", "2", "--replicas",
                "1,2",
            ]
            + sizes
        let outcome = try Command.run(arguments)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let rows = try SweepFileContents(path).rows
        // Of one stage with 2 microbatches, and with 4 to compare two replicas with.
        #expect(
            Set(rows.map { "\($0["world_size"]!) \($0["microbatches"]!) \($0["replicas"]!)" }) == [
                "1 2 ", "2 2 ", "2 4 2", "4 4 2", "1 4 ",
            ])
        #expect(rows.allSatisfy { Double($0["reduction_s"]!)! > 0 || $0["replicas"] == "" })
        #expect(try Command.run(arguments).output.contains(" 5 were there before"))
        let table = try Command.run("analyze", path).output
        #expect(table.contains("replicas") && table.contains("reduction, %"), "\(table)")
    }

    @Test("compare runs replicas side by side, with the term in its tables and on its page") func compare() throws {
        let page = folder.path("page.html")
        let outcome = try Command.run(
            ["compare", "--schedule", "gpipe,chimera", "--transport", "threads", "--trials", "2", "--stages", "2"]
                + ["--microbatches", "2", "--replicas", "2", "--html", page] + sizes)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("M=4 in 2 replicas, ") && outcome.output.contains("reduction"))
        let html = try String(contentsOfFile: page, encoding: .utf8)
        #expect(html.contains("reduction") && html.contains("task reduction"))
    }

    @Test("a trace has what sums, arrows from each copy, and is drawn") func trace() throws {
        let path = folder.path("trace.json")
        let run = try Command.run(
            ["run", "--stages", "1", "--microbatches", "2", "--replicas", "3", "--trace", path] + sizes)
        #expect(run.code == 0, "\(run.errors)")
        let document = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
        let events = try #require((document as? [String: Any])?["traceEvents"] as? [[String: Any]])
        for name in ["share", "sum", "collect"] {
            #expect(events.count { $0["name"] as? String == name && $0["cat"] as? String == "reduction" } == 2 * 3)
        }
        // Each of three ranks has two other ones' parts, and two other ones' sums.
        let ids = events.filter { $0["ph"] as? String == "s" }.map { $0["id"] as! String }
        #expect(ids.count == 2 * 3 * (2 + 2) && Set(ids).count == ids.count)
        let ends = events.filter { $0["name"] as? String == "step end" }
        #expect(ends.allSatisfy { (($0["args"] as? [String: Any])?["reduction_us"] as? Double ?? 0) > 0 })
        let drawn = try Command.run("trace", path)
        #expect(drawn.code == 0 && drawn.output.contains("r"), "\(drawn.errors)")
    }
}
