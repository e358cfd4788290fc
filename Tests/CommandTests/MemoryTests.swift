// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What `run` says of memory, and what it does when there is too little.
struct MemoryTests {
    private static let flags = [
        "--layers", "4", "--dim", "128", "--vocab-size", "4000", "--ffn", "300", "--seq-len", "32", "--warmup", "1",
        "--measure", "2", "--pin", "none",
    ]

    /// A run, with the parts that its memory is told in.
    private struct Report {
        let planned, measured, code: [Int]
        let kinds: [[String: Int]]
        let supervisor: [String: Int]?
        let total: Int

        init(_ arguments: [String]) throws {
            let json = try Command.json(["run"] + MemoryTests.flags + arguments)
            planned = try #require(json["memory_planned_bytes"] as? [Int])
            measured = try #require(json["memory_measured_bytes"] as? [Int])
            code = try #require(json["memory_code_bytes"] as? [Int])
            kinds = try #require(json["memory_kinds"] as? [[String: Int]])
            supervisor = json["memory_supervisor"] as? [String: Int]
            total = try #require(json["memory_total_bytes"] as? Int)
        }
    }

    @Test(
        "what a rank holds is what was planned, to 2 MiB, but for code, which it shares with other programs",
        .enabled(if: !Sanitizer.isOn),
        arguments: [
            ["--stages", "1", "--transport", "threads"], ["--stages", "2", "--transport", "threads", "--threads", "2"],
            ["--stages", "2", "--transport", "processes", "--schedule", "zb-h1"],
            ["--stages", "4", "--transport", "processes", "--schedule", "gpipe", "--optimizer", "sgd"],
            ["--stages", "2", "--transport", "sockets", "--schedule", "interleaved", "--virtual-stages", "2"],
            ["--stages", "4", "--transport", "unix", "--recompute", "--arch", "gpt"],
        ])
    func planned(arguments: [String]) throws {
        let report = try Report(arguments)
        #expect(report.kinds.map { $0.values.reduce(0, +) } == report.planned)
        for rank in report.planned.indices {
            let planned = report.planned[rank] - report.kinds[rank]["code"]!
            let measured = report.measured[rank] - report.code[rank]
            #expect(abs(measured - planned) < 2 << 20, "rank \(rank): \(planned) planned, \(measured) measured")
            // More would hide a kind that is left out or counted twice.
            #expect(abs(measured - planned) < 300 << 10, "rank \(rank): \(planned) planned, \(measured) measured")
        }
        let supervisor = report.supervisor?["measured_bytes"] ?? 0
        #expect(report.measured.reduce(supervisor, +) == report.total)
        #expect((report.supervisor != nil) == !arguments.contains("threads"))
    }

    @Test(
        "what a run keeps for its files is in its memory", .enabled(if: !Sanitizer.isOn),
        arguments: ["threads", "unix"])
    func images(transport: String) throws {
        let folder = try Folder()
        let base = try Report(["--transport", transport])
        let keeping = try Report(
            ["--transport", transport, "--save", folder.path("w"), "--save-grads", folder.path("g")])
        for rank in 0..<2 {
            let more = keeping.kinds[rank]["results"]! - base.kinds[rank]["results"]!
            #expect(more > 4 << 20)
            let measured = (keeping.measured[rank] - keeping.code[rank]) - (base.measured[rank] - base.code[rank])
            #expect(abs(more - measured) < 300 << 10)
        }
    }

    @Test("a table has every rank's memory by kind, and without the flag there is a line of it") func table() throws {
        let brief = try Command.run(["run"] + tiny).output
        #expect(
            brief.contains(
                /\nmemory     [0-9.]+ MiB planned, [0-9.]+ MiB measured \(all processes, after the last step\)\n/))
        #expect(!brief.contains("memory, MiB"))
        let full = try Command.run(["run", "--memory", "--transport", "processes", "--optimizer", "sgd"] + tiny).output
        let start = try #require(full.range(of: "memory, MiB"))
        let lines = full[start.lowerBound...].split(separator: "\n").prefix(5)
        // Nobody has anything for the optimizer.
        #expect(
            lines[0].split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
                == "memory, MiB weights gradients packed frames kept gradients slots scratch batch results program code planned measured difference"
        )
        #expect(
            lines.dropFirst().map { $0.prefix(10).trimmingCharacters(in: .whitespaces) } == [
                "rank 0", "rank 1", "supervisor", "all",
            ])
        // Planned is the sum of the kinds, and the difference is measured less planned, but for rounding.
        for line in lines.dropFirst() {
            let numbers = line.split(separator: " ").compactMap { $0.contains(".") ? Double($0) : nil }
            try #require(numbers.count == 14)
            #expect(abs(numbers[..<11].reduce(0, +) - numbers[11]) < 0.07)
            #expect(abs(numbers[12] - numbers[11] - numbers[13]) < 0.02)
        }
    }

    @Test("a row has the largest rank's plan, and what all processes held") func row() throws {
        let rows = try Command.run(["run", "--emit-csv", "--stages", "2"] + tiny).output.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        func value(_ name: String) throws -> Int? { Int(rows[1][try #require(rows[0].firstIndex { $0 == name })]) }
        let planned = try #require(try value("memory_planned_bytes"))
        let total = try #require(try value("memory_total_bytes"))
        #expect(planned > 1 << 20 && total > planned)
        let refused = try Command.run(["run", "--emit-csv", "--memory"] + tiny)
        #expect(refused.code == 64)
        #expect(refused.errors == "ppthreads run: --memory: cannot be given together with --emit-csv\n")
    }

    @Test(
        "a run that does not fit is refused with the largest part of what it needs",
        .enabled(if: !Sanitizer.isOn),
        arguments: [
            (["--dim", "2048"], "optimizer, "),
            (["--optimizer", "sgd", "--batch", "512", "--schedule", "gpipe"], "frames, "),
        ], ["threads", "processes"])
    func refusal(_ flags: (run: [String], part: String), transport: String) throws {
        let limit = ["/bin/sh", "-c", "ulimit -v 700000; exec \"$0\" \"$@\""]
        let outcome = try Command.run(["run", "--transport", transport] + flags.run, through: limit)
        #expect(outcome.code == 64 && outcome.errorLines.count == 1)
        #expect(
            outcome.errors.hasPrefix("ppthreads run: --dim: the model and its activations need "), "\(outcome.errors)")
        #expect(outcome.errors.contains(" available under the limit of 684 MiB on each process (ulimit -v): make "))
        #expect(outcome.errors.contains("; the largest part is \(flags.part)"), "\(outcome.errors)")
        if !ControlGroup.canLimit(.memory) { return }
        let container = try ControlGroup(.memory, 300 << 20)
        let contained = try Command.run(["run", "--transport", transport] + flags.run, through: container.launcher)
        #expect(contained.code == 64 && contained.errors.contains("the container's limit of 300 MiB: make "))
        #expect(contained.errors.contains("; the largest part is \(flags.part)"), "\(contained.errors)")
    }
}
