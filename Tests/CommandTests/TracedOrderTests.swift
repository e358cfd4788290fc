// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A trace's step in another order: worked out by hand for one that is made up.
struct TracedOrderTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// One of a rank that runs the stage of its number.
    private func span(
        _ rank: Int, _ name: String, _ category: String, _ start: Int, _ duration: Int, cpu: Int? = nil,
        stage: Int? = nil
    ) -> String {
        let microbatch = name.last!.isNumber ? ",\"microbatch\":\(name.last!)" : ""
        let stage = category == "update" ? "" : ",\"stage\":\(stage ?? rank)"
        let arguments = "\"step\":4,\"cpu_us\":\(cpu ?? duration)\(stage)\(microbatch)"
        return """
            {"ph":"X","pid":0,"tid":\(rank),"ts":\(start),"dur":\(duration),"name":"\(name)","cat":"\(category)",\
            "args":{\(arguments)}}
            """
    }

    private func trace(_ spans: [String]) throws -> String {
        try folder.file("made-up.json", Array("{\"traceEvents\":[\(spans.joined(separator: ","))]}".utf8))
    }

    /// 1F1B on two ranks, M=2, each 100 us a column of 32; the first forward was without its CPU for 200 us.
    private var oneFOneB: [String] {
        [
            span(0, "F0", "forward", 0, 500, cpu: 300), span(0, "F1", "forward", 500, 200),
            span(0, "B0", "backward", 1700, 600), span(0, "B1", "backward", 2900, 200),
            span(0, "update", "update", 3100, 100),
            span(1, "pack", "packing", 0, 100), span(1, "F0", "forward", 500, 400),
            span(1, "B0", "backward", 900, 800), span(1, "F1", "forward", 1700, 500),
            span(1, "B1", "backward", 2200, 700), span(1, "update", "update", 2900, 100),
        ]
    }

    @Test("where a rank has several stages, names tell theirs") func stages() throws {
        let outcome = try Command.run(
            "trace",
            try trace([
                span(0, "F0", "forward", 0, 500), span(0, "F0", "forward", 500, 500, stage: 1),
                span(0, "B0", "backward", 1000, 1000, stage: 1), span(0, "B0", "backward", 2000, 900),
                span(0, "update", "update", 2900, 100),
            ]), "--width", "30")
        #expect(
            outcome.output == """
                step 4
                rank 0   0F0==1F0==1B0#######0B0######u  at work 100 %
                         0                      3.00 ms

                """, "\(outcome.output)\(outcome.errors)")
    }

    @Test("an order with several copies of the stages is not a trace's of one") func copies() throws {
        let order = try folder.file("copies.csv", Array("0F0,0B0\n1F1,1B1\n".utf8))
        let outcome = try Command.run("trace", try trace(oneFOneB), "--schedule", order)
        #expect(
            outcome.code == 64 && outcome.errors.contains("the order holds 2 copies of the stages, and the trace one"))
    }

    @Test("the step's tasks are drawn in the other order, each as long as it had a CPU, on one scale") func drawn()
        throws
    {
        let outcome = try Command.run("trace", try trace(oneFOneB), "--width", "32", "--schedule", "gpipe")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(
            outcome.output == """
                step 4
                rank 0   F0===F1          B0####      B1u  at work 50 %
                rank 1   p    F0==B0######F1===B1#####u    at work 81 %
                         0                        3.20 ms

                step 4 as GPipe: each task for as long as it had a CPU, hand-offs for nothing
                rank 0   F0=F1               B0#### B1u    at work 47 %
                rank 1   p  F0==F1===B0######B1#####u      at work 87 %
                         0                        3.20 ms

                3.00 ms as GPipe, 3.00 ms in its own order likewise, 3.20 ms as it was

                """)
    }

    @Test("a file's order is drawn too, and whole backwards take what the trace's halves took") func fileAndHalves()
        throws
    {
        let order = try folder.file("mine.csv", Array("0F0,0F1,0B1,0B0\n1F0,1F1,1B1,1B0\n".utf8))
        let halves = [
            span(0, "I0", "backward-input", 1700, 200), span(0, "W0", "backward-weights", 1900, 400),
            span(1, "I1", "backward-input", 2200, 300), span(1, "W1", "backward-weights", 2500, 400),
        ]
        let split = oneFOneB.enumerated().filter { $0.offset != 2 && $0.offset != 9 }.map(\.element) + halves
        let outcome = try Command.run("trace", try trace(split), "--width", "32", "--schedule", order)
        // Rank 1 ends B1 at 1900 and B0 at 2700, rank 0 then B0 in 600 and its update in 100. In the trace's order rank 1 ends W1 at
        // 2700, and its update.
        #expect(
            outcome.output.hasSuffix("\n3.40 ms as mine.csv, 2.80 ms in its own order likewise, 3.20 ms as it was\n"),
            "\(outcome.output)\(outcome.errors)"
        )
        // Both are drawn to the longer one: of 32 columns I0 has the 17th, W0 the next four.
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count { $0.hasSuffix("  3.40 ms") } == 2)
        #expect(lines.contains("rank 0   F0==F1          #W0++      B1u    at work 50 %"), "\(outcome.output)")
    }

    @Test(
        "an order of other sizes, or of halves that the trace has whole, is refused, and so is a trace that tells too little"
    )
    func refused() throws {
        let whole = try trace(oneFOneB)
        let four = try folder.file("four.csv", Array("0F0,0B0\n1F0,1B0\n".utf8))
        let forwards = try folder.file("forwards.csv", Array("0F0,0F1\n1F0,1F1\n".utf8))
        for (schedule, words) in [
            ("interleaved", ""), ("zb-v", "--schedule: the trace has 2 stages on 2 ranks, and zb-v runs 2"),
            (
                "zb-h1",
                "--schedule: zb-h1: the order has halves of backwards, such as 0I0, where the trace has a whole one"
            ),
            ("zb-h2", "--schedule: zb-h2: ZB-H2 needs at least 3 microbatches on 2 ranks, and has 2"),
            (forwards, "the order has forwards alone, and the trace backwards too"),
            (four, "the trace has P=2, 2 stages and M=2, and the order P=2, 2 stages and M=1"),
            ("gpip", "did you mean gpipe?"),
        ] {
            let outcome = try Command.run("trace", whole, "--schedule", schedule)
            #expect(outcome.code == (words.isEmpty ? 0 : 64), "\(schedule): \(outcome.errors)")
            #expect(
                (words.isEmpty || outcome.errors.contains(words))
                    && outcome.errorLines.count == (words.isEmpty ? 0 : 1),
                "\(outcome.errors)")
        }
        // The forward of microbatch 1 at stage 1 is not there.
        let lacking = try folder.file(
            "lacking.json",
            Array(
                "{\"traceEvents\":[\(oneFOneB.enumerated().filter { $0.offset != 8 }.map(\.element).joined(separator: ","))]}"
                    .utf8))
        let outcome = try Command.run("trace", lacking, "--schedule", "gpipe")
        #expect(
            outcome.code == 65
                && outcome.errors.contains(
                    "does not tell stage, microbatch and CPU time of each task, or lacks forwards")
        )
    }

    @Test("a step of evaluation is drawn as the other order's forwards") func evaluation() throws {
        let forwards = [
            span(0, "F0", "forward", 0, 300), span(0, "F1", "forward", 300, 200), span(1, "F0", "forward", 400, 400),
            span(1, "F1", "forward", 800, 500),
        ]
        let outcome = try Command.run("trace", try trace(forwards), "--schedule", "gpipe")
        // Without its wait for the hand-off, rank 1 ends at 300 + 400 + 500.
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(
            outcome.output.hasSuffix("\n1.20 ms as GPipe, 1.20 ms in its own order likewise, 1.30 ms as it was\n"),
            "\(outcome.output)")
    }

    @Test("of a real run its own order takes no longer than the step did, and another is drawn from the same trace")
    func real()
        throws
    {
        let path = folder.path("trace.json")
        let run = try Command.run(
            ["run", "--trace", path, "--schedule", "zb-h1", "--warmup", "1", "--measure", "2"] + tiny)
        #expect(run.code == 0, "\(run.errors)")
        for (schedule, title) in [("zb-h1", "ZB-H1"), ("1f1b", "1F1B"), ("gpipe", "GPipe")] {
            let outcome = try Command.run("trace", path, "--schedule", schedule)
            let last = try #require(outcome.output.split(separator: "\n").last).split(separator: " ")
            #expect(outcome.code == 0 && last.count == 16 && last[3] == "\(title),", "\(outcome.errors)")
            let times = [last[0], last[4], last[11]].compactMap { Double($0) }
            #expect(times.count == 3)
            if schedule == "zb-h1" { #expect(times[0] == times[1] && times[1] <= times[2] + 0.01) }
        }
    }
}
