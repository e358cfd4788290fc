// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing

/// Numbers in files are what the files say: none may be too large for what is done with it.
struct FileNumbersTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    private static let names = [
        "schedule", "world_size", "layers", "heads", "hidden_dim", "seq_len", "batch_size", "microbatches", "threads",
        "ffn", "vocab_size", "warmup_steps", "measure_steps", "virtual_stages", "avg_step_time_s", "total_time_s",
        "tokens_per_s", "timestamp", "repeat", "work_s", "imbalance_s", "bubble_s", "oversubscription_s", "transport_s",
        "optimizer_s",
    ]
    private static let sound = [
        "2", "4", "4", "240", "64", "8", "4", "1", "2048", "10000", "1", "3", "1", "0.5", "1.5", "1000", "100", "1",
        "0.2", "0.05", "0.1", "0.05", "0.05", "0.05",
    ]

    /// A file with a sound row of GPipe and one of 1F1B, and for each numeric column a row of 1F1B with a number in it.
    private func csv(_ number: String) throws -> String {
        let others = Self.sound.indices.map { place in
            var values = Self.sound
            values[place] = number
            return values
        }
        let rows = ([Self.sound] + others).map { "1f1b,\($0.joined(separator: ","))" }
        let lines =
            [Self.names.joined(separator: ","), "gpipe,\(Self.sound.joined(separator: ","))"] + rows
        return try folder.file("results.csv", Array(lines.joined(separator: "\n").utf8))
    }

    private func analyze(_ path: String) throws -> Command.Outcome {
        let outputs = ["--summary", folder.path("s.csv"), "--html", folder.path("p.html"), "--svg", folder.url.path]
        let outcome = try Command.run(["analyze", path] + outputs)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome
    }

    @Test(
        "a row with an absurd number is left out with what is allowed, in whichever column it is",
        arguments: [
            "1e308", "1e17", "4611686018427387904", "9223372036854775808", "1e-308", "5e-324", "-1e308", "1e309",
        ])
    func absurd(number: String) throws {
        let outcome = try analyze(try csv(number))
        // A point in time is only compared with others, and 5e-324 may be what a term took.
        let isTiny = number.hasSuffix("-308") || number.hasSuffix("-324")
        let kept = isTiny ? 7 : 1
        let columns = Self.names.count - 1
        #expect(outcome.errorLines.count == min(columns - kept, 20) + (columns - kept > 20 ? 1 : 0))
        for line in outcome.errorLines.prefix(20) {
            #expect(line.contains(" is '\(number)', not a") && line.hasSuffix("; left out"))
        }
        #expect(outcome.output.contains("note: \(columns - kept) rows left out that could not be read"))
        #expect(!outcome.output.contains("nan") && !outcome.output.contains("inf"))
        let page = try String(contentsOfFile: folder.path("p.html"), encoding: .utf8)
        #expect(!page.contains("nan") && !page.contains("inf%"))
    }

    @Test("numbers at the ends of what is allowed are read, compared and drawn") func extremes() throws {
        let header =
            "schedule,world_size,layers,heads,microbatches,virtual_stages,avg_step_time_s,tokens_per_s,"
            + "work_s,imbalance_s,bubble_s,oversubscription_s,transport_s,optimizer_s"
        let most = "2147483647"
        let rows = [
            "gpipe,1,\(most),4,\(most),1,1e15,1e15,1e15,0,0,0,0,0", "gpipe,1,\(most),4,1,1,1,1,1,0,0,0,0,0",
            "gpipe,\(most),\(most),4,\(most),\(most),1e-15,1e-15,1e-15,0,0,0,0,0",
            "1f1b,\(most),\(most),4,\(most),\(most),1e15,1e15,1e15,1e15,-1e15,-1e15,0,1",
            "gpipe,\(most),\(most),4,1,\(most),1,1,1,0,0,0,0,0", "gpipe,\(most),1,4,1,\(most),1,1,1,0,0,0,0,0",
            "1f1b,\(most),1,4,1,\(most),1,1e-15,1,0,0,0,0,0", "1f1b,\(most),\(most),4,1,\(most),1,1e15,1,0,0,0,0,0",
        ]
        let path = try folder.file("results.csv", Array(([header] + rows).joined(separator: "\n").utf8))
        let outcome = try analyze(path)
        #expect(outcome.errors.isEmpty)
        // 1e15 over 1e-15, as doubles, and 1e-15 over 1.
        #expect(outcome.output.contains("9.999999999999999e+29") && outcome.output.contains(" 0.000 "))
        for name in ["layers", "losses", "speedup", "efficiency", "breakdown", "microbatches", "formula"] {
            let text = try String(contentsOfFile: folder.path("\(name).svg"), encoding: .utf8)
            #expect(XMLParser(data: Data(text.utf8)).parse(), "\(name)")
            #expect(!text.contains("nan") && !text.contains("inf"), "\(name)")
        }
    }

    @Test(
        "terms that add up to no step are no breakdown",
        arguments: [("0,0,0,0,0,0", "0.0"), ("1,-1,0,0,0,0", "0.0"), ("0.1,0,0,0,-0.5,0", "-0.4")])
    func noStep(terms: String, sum: String) throws {
        var row = Self.sound.dropLast(6).joined(separator: ",")
        row =
            "\(Self.names.joined(separator: ","))\ngpipe,\(row),\(terms)\ngpipe,\(Self.sound.joined(separator: ","))\n"
        let outcome = try analyze(try folder.file("results.csv", Array(row.utf8)))
        #expect(
            outcome.errors.hasSuffix(
                "row 2: work_s to optimizer_s add up to \(sum), not to a number from 1e-15 to 1e15; left out\n"))
    }

    @Test("a value or a name that is too long to be one is told of by its beginning") func long() throws {
        let million = String(repeating: "9", count: 1_000_000)
        let header = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s,host,error\n"
        let rows =
            "gpipe,\(million),4,4,1,1,a,\ngpipe,2,4,4,1,1,\(million),\ngpipe,2,4,4,,,b,\(million)\ngpipe,2,4,4,1,1,c,\n"
        let outcome = try analyze(try folder.file("results.csv", Array((header + rows).utf8)))
        let start = String(repeating: "9", count: 40) + "..."
        #expect(outcome.errorLines.count == 2)
        #expect(
            outcome.errors.contains("row 2: world_size is '\(start)', not a whole number from 1 to 2147483647; left"))
        #expect(outcome.errors.contains("row 3: host is '\(start)', not a name of at most 4096 bytes; left out"))
        #expect(outcome.output.utf8.count < 3000)
    }

    @Test("a quote without its twin is told of, with the row that it takes in all the rest of") func openQuote() throws
    {
        let rows = ["gpipe,2,4,4,1,1", "gpipe,2,4,4,1,\"1", "gpipe,2,4,4,1,1"]
        let lines = ["schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s"] + rows
        let outcome = try analyze(try folder.file("results.csv", Array(lines.joined(separator: "\n").utf8)))
        #expect(
            outcome.errors.hasSuffix("row 3: has a quote without its twin, and takes in all the rest; left out\n"))
    }

    // MARK: Traces

    private func trace(
        _ spans: [(rank: String, start: String, duration: String)], lastStep: String = "0"
    ) throws -> Command.Outcome {
        let events = spans.enumerated().map { place, span in
            """
            {"ph":"X","tid":\(span.rank),"ts":\(span.start),"dur":\(span.duration),"name":"F0","cat":"forward",\
            "args":{"step":\(place == spans.count - 1 ? lastStep : "0")}}
            """
        }
        let text = "{\"traceEvents\":[\(events.joined(separator: ","))]}"
        return try Command.run("trace", try folder.file("trace.json", Array(text.utf8)), "--width", "20")
    }

    @Test(
        "a trace with an absurd time or rank is refused with what is allowed",
        arguments: [
            ("0", "1e308", "1"), ("0", "-1e308", "1"), ("0", "0", "1e308"), ("0", "1e17", "1"), ("0", "0", "-1"),
            ("0", "-1e16", "1e16"), ("1e30", "0", "1"), ("4096", "0", "1"), ("-1", "0", "1"), ("0.5", "0", "1"),
        ])
    func absurdTimes(rank: String, start: String, duration: String) throws {
        let outcome = try trace([("0", "0", "1"), (rank, start, duration)])
        #expect(outcome.code == 65)
        #expect(
            outcome.errors.hasSuffix(
                "event 2 is not one of ppthreads': it needs tid below 4096, ts and dur of at most 1e15, name, cat and "
                    + "args.step from 0\n"))
    }

    @Test("a step that is none is refused as a rank that is none is", arguments: ["-1", "0.5", "1e30", "-9e18"])
    func absurdStep(step: String) throws {
        let outcome = try trace([("0", "0", "1"), ("1", "0", "1")], lastStep: step)
        #expect(outcome.code == 65 && outcome.errors.hasSuffix(" name, cat and args.step from 0\n"))
    }

    @Test("ranks' names have a blank behind them, however long they are", arguments: [0, 99, 999, 1000, 4095])
    func longNames(rank: Int) throws {
        let outcome = try trace([("\(rank)", "0", "1")])
        let lines = outcome.output.split(separator: "\n")
        let margin = rank < 1000 ? 9 : 10
        let name = "rank \(rank)" + String(repeating: " ", count: margin - "rank \(rank)".count)
        #expect(lines.count == rank + 3 && lines[rank + 1] == "\(name)F0==================  at work 100 %")
        #expect(lines[1].hasPrefix("rank 0") && lines.last!.count == margin + 20)
    }

    @Test("times at the ends of what is allowed are drawn, and so are steps that take no time") func timesAtTheEnds()
        throws
    {
        let long = try trace([("0", "-1e15", "1e15"), ("1", "0", "1e15")])
        #expect(
            long.output == """
                step 0
                rank 0   F0========            at work 50 %
                rank 1             F0========  at work 50 %
                         0         2000000000000.00 ms

                """)
        for times in [("5", "0"), ("1e15", "0"), ("0", "5e-324")] {
            let outcome = try trace([("0", times.0, times.1)])
            #expect(outcome.code == 0 && outcome.output.hasPrefix("step 0\nrank 0   "), "\(times)")
        }
    }

    @Test("an event of a type that is not a trace's is told of by its number") func otherTypes() throws {
        for (events, reason) in [
            (#"[{"ph":"X"},{"ph":"X","tid":"a"}]"#, "event 2 has a value for tid that is of another type"),
            (#"[{"ph":"C","args":{"step":[]}}]"#, "event 1 has a value for args.step that is of another type"),
            ("[1]", "event 1 is no JSON object"),
            ("7", "no JSON object with an array traceEvents, or a number in it is too large"),
            (#"[{"ph":"X","ts":1e999}]"#, "no JSON object with an array traceEvents, or a number in it is too large"),
        ] {
            let path = try folder.file("trace.json", Array("{\"traceEvents\":\(events)}".utf8))
            let outcome = try Command.run("trace", path)
            #expect(outcome.code == 65 && outcome.errors == "ppthreads trace: \(path): is not a trace: \(reason)\n")
        }
    }
}
