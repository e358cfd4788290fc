// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `profile`, and how `simulate` reads what it writes.
struct ProfileTests {
    private let folder: Folder
    private let model = ["--dim", "32", "--vocab-size", "211", "--seq-len", "16", "--n-layers", "2"]
    init() throws { folder = try Folder() }

    private func profile() throws -> String {
        let path = folder.path("costs.json")
        let outcome = try Command.run(
            ["profile", "--rounds", "1", "--transport", "threads,processes", "--out", path] + model)
        #expect(outcome.code == 0 && outcome.output.contains("layers.0 feed-forward"), "\(outcome)")
        return path
    }

    @Test("costs that were measured are read back, for what they were measured with alone") func readBack() throws {
        let path = try profile()
        let simulated = try Command.json(["simulate", "--costs", path, "--transport", "processes", "--json"] + model)
        #expect(simulated["tokens_per_s"] as? Double ?? 0 > 0)
        #expect((simulated["costs"] as? String)?.contains("costs.json, measured on ") == true)
        for (more, message) in [
            (["--microbatches", "8"], "was measured with --batch-size over --microbatches 2, and 1 is asked for here"),
            (["--dim", "16"], "was measured with --dim 32, and 16 is asked for here"),
            (["--transport", "unix"], "has no hand-offs of unix; it has threads, processes"),
            (["--arch", "gpt"], "was measured with --arch decoder, and gpt is asked for here"),
        ] {
            let refused = try Command.run(["simulate", "--costs", path] + model + more)
            #expect(refused.code == 64 && refused.errors.contains(message), "\(refused.errors)")
        }
    }

    /// Costs by hand: each unit takes its number in milliseconds for F, twice that for B, and so on.
    private func written(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> String {
        let path = try profile()
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        var file = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        func measured(_ seconds: Double) -> [String: Any] { ["median": seconds, "spread": 0.0, "samples": 1] }
        var units = try #require(file["units"] as? [[String: Any]])
        for index in units.indices {
            let unit = Double(index + 1) * 1e-3
            units[index]["forward"] = measured(unit)
            units[index]["backward"] = measured(2.5 * unit)
            units[index]["input_gradient"] = measured(1.25 * unit)
            units[index]["weight_gradient"] = measured(1.5 * unit)
            units[index]["packing"] = measured(0.125 * unit)
        }
        file["units"] = units
        file["update_of_parameter"] = measured(1e-9)
        file["links"] = [
            ["transport": "threads", "handoff": measured(3e-4), "bytes": 4096, "seconds_per_byte": 1e-8]
                as [String: Any]
        ]
        change(&file)
        try JSONSerialization.data(withJSONObject: file).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test("a step is worked out from what each unit takes") func figures() throws {
        // Units of 1 to 6 ms, cut in the middle: F 6 and 15, B 15 and 37.5, packing 0.75 and 1.875. An item has 32 rows of 32 columns, so
        // that a hand-off takes the 0.3 ms that it was measured to take.
        let report = try Command.json(["simulate", "--costs", try written(), "--schedule", "1f1b", "--json"] + model)
        func near(_ key: String, _ expected: Double) -> Bool {
            abs((report[key] as? Double ?? .nan) - expected * 1e-3) < 1e-9
        }
        // Rank 1: F0 6.3-21.3, then B and F in turns without a wait until 216.3; rank 0's last B 216.6-231.6.
        #expect(near("makespan_s", 231.6))
        // Work 84.75 and 211.875; without hand-offs all of it 0.6 sooner.
        #expect(near("work_s", 148.3125) && near("imbalance_s", 63.5625) && near("bubble_s", 19.125), "\(report)")
        #expect(near("transport_s", 0.6) && near("handoff_us", 300_000))
        let parameters = try #require(report["weight_bytes"] as? [Int]).map { Double($0 / 4) }
        #expect(near("optimizer_s", parameters[0] * 1e-6))
    }

    @Test(
        "a file that is none, of another version or with impossible times is refused with what is wrong",
        arguments: [
            ("version", "is of version 7; 1 is read"), ("units", "units is missing"),
            ("median", "for update_of_parameter; 0 to 1000000.0 s is allowed"),
            ("spread", "update_of_parameter.spread is of another type"),
        ])
    func badFiles(_ what: String, _ message: String) throws {
        let path = try written { file in
            switch what {
            case "version": file["version"] = 7
            case "units": file["units"] = nil
            case "median": file["update_of_parameter"] = ["median": -1.0, "spread": 0.0, "samples": 1]
            default: file["update_of_parameter"] = ["median": 1.0, "spread": "wide", "samples": 1]
            }
        }
        let outcome = try Command.run(["simulate", "--costs", path] + model)
        #expect(outcome.code == 65 && outcome.errors.contains(message), "\(outcome.errors)")
        try Data("no".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try Command.run(["simulate", "--costs", path] + model).code == 65)
    }

    @Test("costs of another machine are taken when that is asked for") func otherMachine() throws {
        let path = try written { $0["machine"] = ["cpu": "Z80", "cpus": 1, "simd": "portable"] }
        let refused = try Command.run(["simulate", "--costs", path] + model)
        #expect(
            refused.code == 64 && refused.errors.contains("was measured on Z80, 1 CPU, portable, and this is "),
            "\(refused.errors)")
        #expect(try Command.run(["simulate", "--costs", path, "--any-machine"] + model).code == 0)
    }
}
