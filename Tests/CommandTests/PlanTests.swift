// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `plan`: what it tells can be run, and holds what it says.
struct PlanTests {
    private let model = ["--dim", "32", "--vocab-size", "211", "--seq-len", "16", "--n-layers", "2", "--ffn", "64"]

    private func plans(_ more: String...) throws -> [[String: Any]] {
        let outcome = try Command.run(
            ["plan", "--rounds", "1", "--schedule", "1f1b,zb-v", "--microbatches", "2,4", "--json"] + model + more)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]])
    }

    @Test("plans are told the fastest first, each with a command that runs it, one rank with threads among them")
    func told() throws {
        let plans = try plans("--top", "1000")
        let steps = plans.compactMap { $0["step_s"] as? Double }
        #expect(steps.count == plans.count && steps == steps.sorted() && steps.allSatisfy { $0 > 0 })
        // M of 2 and 4, each without a pipeline, 1F1B with two cuts and ZB-V with one or two, each with and without recomputing.
        #expect(Set(plans.compactMap { $0["microbatches"] as? Int }) == [2, 4])
        #expect(plans.contains { $0["stages"] as? Int == 1 } && plans.contains { $0["schedule"] as? String == "zb-v" })
        #expect(plans.contains { $0["recompute"] as? Bool == true })
        for plan in plans.prefix(2) {
            let words = try #require(plan["command"] as? String)
            let run = try Command.run(
                [],
                through: [
                    "/bin/sh", "-c", "exec \"$0\" \(words.dropFirst("ppthreads ".count)) --warmup 0 --measure 1 --json",
                ])
            #expect(run.code == 0, "\(words): \(run.errors)")
        }
    }

    @Test("a limit leaves out what holds more, and all of it may be too much") func memory() throws {
        let all = try plans("--top", "1000")
        func most(_ plan: [String: Any]) -> Int { (plan["memory_bytes"] as? [Int])?.max() ?? .max }
        let sizes = Set(all.map(most)).sorted()
        let limit = sizes[sizes.count / 2]
        let fewer = try plans("--top", "1000", "--memory", "\(limit)")
        #expect(fewer.count < all.count && !fewer.isEmpty && fewer.allSatisfy { most($0) <= limit })
        let none = try Command.run(
            ["plan", "--rounds", "1", "--microbatches", "2", "--schedule", "1f1b", "--memory", "1KiB"] + model)
        #expect(
            none.code == 64 && none.errors.contains("no order of these sizes fits in 1.0 KiB a rank (--memory)"),
            "\(none.errors)")
    }

    @Test("plans that are checked have what was measured beside what was predicted") func check() throws {
        let plans = try plans("--check", "2", "--trials", "1")
        let checked = plans.filter { $0["measured_step_s"] != nil }
        #expect(checked.count == 2)
        for plan in checked {
            let (predicted, measured) = (plan["step_s"] as? Double ?? 0, plan["measured_step_s"] as? Double ?? 0)
            #expect(measured > 0 && abs((plan["error"] as? Double ?? .nan) - (predicted / measured - 1)) < 1e-9)
        }
    }

    @Test(
        "what cannot be chosen is refused",
        arguments: [
            (["--schedule", "chimera"], "--schedule: chimera holds 2 copies"),
            (["--microbatches", "3"], "--microbatches: 3 do not divide a batch of 8"),
            (["--workers", "1000"], "--workers: there are "),
            (["--memory", "lots"], "--memory: 'lots' is not allowed; a number of bytes"),
        ])
    func refusals(_ arguments: [String], _ message: String) throws {
        let outcome = try Command.run(["plan"] + arguments)
        #expect(outcome.code == 64 && outcome.errors.contains(message), "\(outcome.errors)")
    }
}
