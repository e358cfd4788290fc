// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `simulate --schedule auto`: orders that are searched for, and then run.
struct SimulateAutoTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    @Test("an order that is found is never slower than the named ones, and no faster than its bound") func notWorse()
        throws
    {
        let costs = [
            "--forward", "1ms,2ms,1500us", "--input-gradient", "2ms,1ms,1ms", "--weight-gradient", "1ms", "--stages",
            "3", "--microbatches", "6",
        ]
        let found = try Command.json(["simulate", "--schedule", "auto", "--placement", "line", "--json"] + costs)
        let step = try #require(found["makespan_s"] as? Double)
        for name in ["gpipe", "1f1b", "zb-h1", "zb-h2", "eager-1f1b"] {
            let named = try Command.json(["simulate", "--schedule", name, "--json"] + costs)
            #expect(try step <= #require(named["makespan_s"] as? Double) + 1e-12, "\(name)")
        }
        #expect(step >= (found["bound_s"] as? Double ?? .infinity) - 1e-12)
        // Twice the same.
        let (one, two) = (folder.path("one.csv"), folder.path("two.csv"))
        for path in [one, two] {
            #expect(try Command.run(["simulate", "--schedule", "auto", "--save-order", path] + costs).code == 0)
        }
        #expect(try String(contentsOfFile: one, encoding: .utf8) == String(contentsOfFile: two, encoding: .utf8))
    }

    @Test("with two frames a rank, two stages make an order in which no more is in flight") func frames() throws {
        let found = try Command.json([
            "simulate", "--schedule", "auto", "--placement", "line", "--frames", "2", "--forward", "1ms",
            "--microbatches", "6",
            "--json",
        ])
        #expect((found["peak_in_flight"] as? [Int])?.allSatisfy { $0 <= 2 } == true)
        let refused = try Command.run(
            "simulate", "--schedule", "auto", "--placement", "loop", "--frames", "1", "--forward", "1ms")
        #expect(refused.code == 64 && refused.errors.contains("--frames: "), "\(refused.errors)")
    }

    @Test("within a limit of bytes a rank holds no more, and what was found trains to the bits of one stage")
    func memory() throws {
        let model = ["--dim", "32", "--vocab-size", "211", "--seq-len", "16", "--n-layers", "4"]
        func held(_ more: [String]) throws -> [Int] {
            let report = try Command.json(["simulate", "--flops", "10G", "--json"] + model + more)
            return try #require(report["memory_bytes"] as? [Int])
        }
        let (least, most) = try (
            #require(held(["--schedule", "1f1b", "--partition", "balanced"]).max()),
            #require(held(["--schedule", "gpipe", "--partition", "balanced"]).max())
        )
        let limit = (least + most) / 2
        let path = folder.path("found.csv")
        let search = ["--schedule", "auto", "--placement", "line", "--memory", "\(limit)", "--save-order", path]
        #expect(try #require(held(search).max()) <= limit)
        let checked = try Command.run(
            ["verify", "--schedule", path, "--arch", "decoder", "--n-heads", "4", "--steps", "1"] + model)
        #expect(checked.code == 0 && checked.output.contains(" 0 different"), "\(checked)")
        let tooLittle = try Command.run(
            ["simulate", "--flops", "10G", "--schedule", "auto", "--memory", "1KiB"] + model)
        #expect(tooLittle.code == 64 && tooLittle.errors.contains("--memory: "), "\(tooLittle.errors)")
    }

    @Test(
        "flags of a search are refused where none is asked for",
        arguments: [["--placement", "v"], ["--memory", "1GiB"], ["--frames", "3"], ["--search-seconds", "1"]])
    func withoutSearch(_ flags: [String]) throws {
        let refused = try Command.run(["simulate", "--forward", "1"] + flags)
        #expect(
            refused.code == 64 && refused.errors.contains("\(flags[0]): is of --schedule auto"), "\(refused.errors)")
        let grid = try Command.run("simulate", "--forward", "1", "--grid", "--schedule", "auto")
        #expect(grid.code == 64 && grid.errors.contains("--schedule: auto searches for one order"), "\(grid.errors)")
    }
}
