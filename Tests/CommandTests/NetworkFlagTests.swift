// SPDX-License-Identifier: Apache-2.0

import Testing

/// Flags that make a network slower, or reckon with one.
struct NetworkFlagTests {
    private static let small = [
        "run", "--layers", "2", "--dim", "16", "--heads", "2", "--ffn", "16", "--vocab-size", "50", "--seq-len", "8",
        "--warmup-steps", "0", "--measure-steps", "2",
    ]

    @Test(
        "what is no time or link is refused",
        arguments: [
            ("--inject-link", "2 ms"), ("--inject-link", "-1ms"), ("--inject-link", "3601"),
            ("--inject-link", "1ms,999bit"),
            ("--inject-jitter", "soon"), ("--expect-link", "2ms,"), ("--expect-link", "2ms,1gbit,3"),
            ("--expect-link", "fast"), ("--expect-link", "1ms,0gbit"), ("--expect-link", "1ms,10"),
        ])
    func refused(flag: String, value: String) throws {
        let outcome = try Command.run(Self.small + [flag, value])
        #expect(outcome.code == 64)
        #expect(outcome.errorLines.count == 1 && outcome.errors.contains(flag), "\(outcome.errors)")
    }

    private static let link = "--intra-node: 'mpi' is not allowed with --transport "

    @Test(
        "--intra-node mpi is refused where none of the transports is MPI's, or two would be the same",
        arguments: [
            (["run"], link + "threads;"), (["run", "--transport", "sockets"], link + "sockets;"),
            (["compare"], link + "threads,processes;"), (["sweep", "--dry-run"], link + "threads;"),
            (["verify", "--transport", "unix,threads"], link + "unix,threads;"),
            (
                ["compare", "--transport", "mpi,mpi-only"],
                "--intra-node: 'mpi' makes two of --transport mpi,mpi-only the same"
            ),
        ])
    func intraNode(command: [String], line: String) throws {
        let outcome = try Command.run(command + ["--intra-node", "mpi"])
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1 && outcome.errors.contains(line), "\(outcome.errors)")
    }

    @Test(
        "it is taken where one of them is, and rings are what others have anyway",
        arguments: ["threads,mpi", "mpi", "threads,mpi-only"])
    func intraNodeOfList(transports: String) throws {
        // There may be no MPI, of which it is said; every command looks at the flags first.
        let compare = Self.small.dropFirst() + ["--trials", "1", "--transport", transports]
        #expect(try !Command.run(["compare"] + compare + ["--intra-node", "mpi"]).errors.contains("--intra-node"))
        #expect(try Command.run(Self.small + ["--intra-node", "rings"]).code == 0)
    }

    @Test("compare tells the step of each candidate over a link that is reckoned with") func compareExpects() throws {
        let delays = [
            "--microbatches", "1", "--schedule", "gpipe,1f1b", "--transport", "threads", "--trials", "1",
            "--inject-link",
            "50ms",
        ]
        let report = try Command.json(
            ["compare"] + Self.small.dropFirst() + delays + ["--expect-link", "0.05,1mbit"])
        let rows = try #require(report["rows"] as? [[String: Any]])
        for row in rows {
            let expected = try #require((row["expected_step_s"] as? [String: Any])?["value"] as? Double)
            // An item there and one back, each of 4096 bytes.
            #expect(expected >= 0.1 + 2 * 0.032)
        }
        let notes = try #require(report["notes"] as? [String])
        let begin = "a replay with hand-offs of 50 ms and 1 Mbit/s expects steps of GPipe on threads "
        #expect(rows.count == 2 && notes.contains { $0.hasPrefix(begin) && $0.contains(", 1F1B on threads ") })
        let plain = try Command.json(["compare"] + Self.small.dropFirst() + delays)
        #expect((plain["rows"] as? [[String: Any]])?.first?["expected_step_s"] == nil)
    }

    @Test("a step takes at least what its chain of delayed hand-offs does, and a replay expects it to") func expected()
        throws
    {
        // GPipe of one microbatch: an item there and one back.
        let delays = [
            "--microbatches", "1", "--schedule", "gpipe", "--inject-link", "50ms", "--expect-link", "0.05",
        ]
        let report = try Command.json(Self.small + delays)
        let expected = try #require(report["expected_step_s"] as? Double)
        let breakdown = try #require(report["breakdown"] as? [String: Any])
        #expect(expected >= 0.1)
        #expect(try #require(breakdown["step_s"] as? Double) >= 0.1)
        #expect(report["injected_link"] as? String == "50ms")
        let plain = try Command.json(Self.small)
        #expect(plain["expected_step_s"] == nil && plain["injected_link"] as? String == nil)
        let rate = try Command.run(Self.small + ["--inject-link", "40us,1gbit", "--inject-jitter", "0.0025"])
        let note =
            "note: hand-offs were made to take at least what a link of 0.04ms,1000mbit+2.5ms takes (--inject-link, --inject-jitter)"
        #expect(rate.output.contains(note), "\(rate.output)")
        let link = try Command.json(Self.small + delays.dropLast() + ["0.05,1mbit"])
        // 8 sequences of 8 tokens of 16 columns, each way: 4096 bytes take 33 ms.
        #expect(try #require(link["expected_step_s"] as? Double) >= 0.1 + 2 * 0.032)
    }
}
