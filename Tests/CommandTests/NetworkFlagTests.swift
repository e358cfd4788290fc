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
