// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct TraceTests {
    private let folder: Folder
    private let path: String

    init() throws {
        folder = try Folder()
        path = folder.path("trace.json")
    }

    private func run(_ arguments: String...) throws -> [[String: Any]] {
        let outcome = try Command.run(["run", "--trace", path, "--warmup", "1", "--measure", "3"] + arguments + tiny)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let document = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
        return try #require((document as? [String: Any])?["traceEvents"] as? [[String: Any]])
    }

    @Test("a trace has every task of every measured step on its rank's track", arguments: ["threads", "processes"])
    func tasks(transport: String) throws {
        let events = try run("--transport", transport)
        for rank in 0...1 {
            let spans = events.filter { $0["ph"] as? String == "X" && $0["tid"] as? Int == rank }
            func count(_ category: String) -> Int { spans.count { $0["cat"] as? String == category } }
            #expect(count("forward") == 12 && count("backward") == 12 && count("packing") == 3 && count("update") == 3)
            #expect(spans.allSatisfy { ($0["dur"] as! Double) >= 0 })
        }
        #expect(events.count { $0["ph"] as? String == "M" } == 2)
    }

    @Test("each hand-off has an arrow from its sender to its receiver, forwards in time") func arrows() throws {
        let events = try run()
        func moments(_ phase: String) -> [String: (rank: Int, time: Double)] {
            var moments: [String: (rank: Int, time: Double)] = [:]
            for event in events where event["ph"] as? String == phase {
                moments[event["id"] as! String] = (event["tid"] as! Int, event["ts"] as! Double)
            }
            return moments
        }
        let (sent, received) = (moments("s"), moments("f"))
        #expect(sent.count == 3 * 8 && Set(sent.keys) == Set(received.keys))
        for (id, start) in sent {
            #expect(start.rank != received[id]!.rank && start.time < received[id]!.time)
        }
    }

    @Test("counters end at 0, memory peaks where the report says, and no ring has more items than slots")
    func counters() throws {
        let report = try Command.json(["run", "--schedule", "gpipe"] + tiny)
        let peaks = try #require(report["peak_activation_bytes"] as? [Int])
        let events = try run("--schedule", "gpipe")
        let counters = events.filter { $0["ph"] as? String == "C" }
        let spans = events.filter { $0["ph"] as? String == "X" }
        func values(_ name: String) -> [Int] {
            counters.filter { $0["name"] as? String == name }.map { ($0["args"] as! [String: Int]).values.first! }
        }
        for rank in 0...1 {
            let bytes = values("rank \(rank) activation bytes")
            #expect(bytes.last == 0 && bytes.max() == peaks[rank])
            // A microbatch's memory is free when its backward is done.
            let ends = spans.filter { $0["tid"] as? Int == rank && $0["cat"] as? String == "backward" }.map {
                ($0["ts"] as! Double) + ($0["dur"] as! Double)
            }
            let falls = counters.filter { $0["name"] as? String == "rank \(rank) activation bytes" }.map {
                $0["ts"] as! Double
            }
            #expect(ends.allSatisfy { end in falls.contains { abs($0 - end) < 0.01 } })
        }
        for ring in ["0 to 1", "1 to 0"] {
            let items = values("ring from stage \(ring)")
            #expect(items.last == 0 && items.min() == 0 && (1...4).contains(items.max()!))
        }
    }

    @Test("the drawing has a line for each rank, with each span where and as long as it was") func drawing() throws {
        func span(_ rank: Int, _ name: String, _ category: String, _ start: Int, _ duration: Int, step: Int = 4)
            -> String
        {
            """
            {"ph":"X","pid":0,"tid":\(rank),"ts":\(start),"dur":\(duration),"name":"\(name)","cat":"\(category)",\
            "args":{"step":\(step)}}
            """
        }
        let spans = [
            span(0, "F0", "forward", 0, 900, step: 3), span(0, "pack", "packing", 1000, 200),
            span(0, "F0", "forward", 1200, 400), span(1, "no input", "wait", 1000, 600),
            span(1, "F0", "forward", 1600, 400), span(1, "B0", "backward", 2000, 800),
            span(0, "B0", "backward", 2800, 800), span(0, "update", "update", 3600, 400),
        ]
        let file = try folder.file("made-up.json", Array("{\"traceEvents\":[\(spans.joined(separator: ","))]}".utf8))
        let outcome = try Command.run("trace", file, "--width", "30")
        #expect(outcome.code == 0)
        #expect(
            outcome.output == """
                step 4
                rank 0   ppF0==            B0######uuuu  at work 60 %
                rank 1   ......F0==B0######              at work 40 %
                         0                      3.00 ms

                """)
    }

    @Test("waits for the rank that has the most work are told from others, where tasks tell their CPU time")
    func causes() throws {
        func span(_ rank: Int, _ name: String, _ category: String, _ start: Int, _ duration: Int, cpu: Int?) -> String {
            """
            {"ph":"X","pid":0,"tid":\(rank),"ts":\(start),"dur":\(duration),"name":"\(name)","cat":"\(category)",\
            "args":{"step":1\(cpu.map { ",\"cpu_us\":\($0)" } ?? "")}}
            """
        }
        // Work of 1300 (the update aside) and of 900: of rank 1's waits, the last 400.
        func spans(cpuOfPacking: Int?) -> [String] {
            [
                span(0, "pack", "packing", 0, 200, cpu: cpuOfPacking), span(0, "F0", "forward", 200, 400, cpu: 400),
                span(0, "no input", "wait", 600, 1100, cpu: nil), span(0, "B0", "backward", 1700, 800, cpu: 700),
                span(0, "update", "update", 2500, 500, cpu: 500),
                span(1, "no input", "wait", 0, 600, cpu: nil), span(1, "F0", "forward", 600, 300, cpu: 300),
                span(1, "no room", "wait", 900, 200, cpu: nil), span(1, "B0", "backward", 1100, 600, cpu: 600),
            ]
        }
        func drawn(_ spans: [String]) throws -> String {
            let text = "{\"traceEvents\":[\(spans.joined(separator: ","))]}"
            return try Command.run("trace", folder.file("causes.json", Array(text.utf8)), "--width", "30").output
        }
        #expect(
            try drawn(spans(cpuOfPacking: 200)) == """
                step 1
                rank 0   ppF0==...........B0######uuuuu  at work 63 %
                rank 1   ....::F0=::B0####               at work 30 %
                         0                      3.00 ms
                : waits for rank 0, which has the most work (imbalance, 0.20 ms in the mean)
                . other waits, the order's, or for a rank that had no CPU

                """)
        #expect(try !drawn(spans(cpuOfPacking: nil)).contains(":"))
    }

    /// 1F1B on two ranks: four forwards of 1 on each, and backwards of 3.
    private var eightActions: String {
        func span(_ rank: Int, _ name: String, _ start: Int, _ duration: Int) -> String {
            """
            {"ph":"X","pid":0,"tid":\(rank),"ts":\(start),"dur":\(duration),"name":"\(name)",\
            "cat":"\(name.hasPrefix("F") ? "forward" : "backward")","args":{"step":1}}
            """
        }
        let first = [("F0", 0), ("F1", 10), ("B0", 50), ("F2", 80), ("B1", 90), ("F3", 120), ("B2", 130), ("B3", 170)]
        let second = [
            ("F0", 10), ("B0", 20), ("F1", 50), ("B1", 60), ("F2", 90), ("B2", 100), ("F3", 130), ("B3", 140),
        ]
        let spans = [first, second].enumerated().flatMap { rank, actions in
            actions.map { span(rank, $0, $1, $0.hasPrefix("F") ? 10 : 30) }
        }
        return "{\"traceEvents\":[\(spans.joined(separator: ","))]}"
    }

    /// Drawn for a terminal of so many columns.
    private func drawn(columns: Int) throws -> [String] {
        let file = try folder.file("eight.json", Array(eightActions.utf8))
        let outcome = try Command.run(["trace", file], through: ["/usr/bin/env", "COLUMNS=\(columns)"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    @Test(
        "a drawing fits the terminal, and every action has its name in it, in several bands if need be",
        arguments: [
            (80, 1), (60, 2), (46, 2),
        ]) func narrow(columns: Int, bands: Int) throws
    {
        let lines = try drawn(columns: columns)
        #expect(lines.allSatisfy { $0.count <= columns })
        #expect(lines.count == 1 + 3 * bands)
        for rank in 0...1 {
            let own = lines.filter { $0.hasPrefix("rank \(rank) ") }.joined()
            for name in ["F", "B"].flatMap({ kind in (0...3).map { "\(kind)\($0)" } }) {
                #expect(own.contains(name), "\(name) on rank \(rank): \(own)")
            }
            #expect(own.components(separatedBy: "at work").count == 2)
        }
    }

    @Test("where names would take too many bands, there is one, and a line says how to read it") func unnamed() throws {
        let file = try folder.file(
            "eight.json",
            Array(
                eightActions.replacing("\"dur\":10,", with: "\"dur\":0.01,").replacing(
                    "\"dur\":30,", with: "\"dur\":0.01,"
                ).utf8))
        let outcome = try Command.run(["trace", file], through: ["/usr/bin/env", "COLUMNS=80"])
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 5 && lines.last?.hasPrefix("= is a forward, ") == true, "\(outcome.output)")
    }

    @Test("a real trace is drawn, the last step unless told otherwise") func realDrawing() throws {
        _ = try run("--schedule", "gpipe")
        for (arguments, title) in [([], "step 3"), (["--step", "2"], "step 2")] {
            let outcome = try Command.run(["trace", path] + arguments)
            let lines = outcome.output.split(separator: "\n")
            #expect(outcome.code == 0 && lines.count >= 4 && lines[0] == title)
            // What waits are for, where there are such, and how to read what is too short.
            #expect(
                lines.dropFirst(4).allSatisfy { [":", "."].contains($0.prefix(1)) || $0.hasPrefix("= is a forward") })
            #expect(lines[1].hasPrefix("rank 0 ") && lines[2].hasPrefix("rank 1 ") && lines[3].hasSuffix(" ms"))
        }
    }

    @Test("what is no trace is told in one line, with code 65; wrong use with 64") func wrong() throws {
        _ = try run()
        let broken = [
            ("{", "is not a trace"), ("{\"traceEvents\":[]}", "has no spans"),
            ("{\"traceEvents\":[{\"ph\":\"X\",\"tid\":0}]}", "event 1 is not one of ppthreads'"),
            (
                "{\"traceEvents\":[{\"ph\":\"X\",\"tid\":5000,\"ts\":0,\"dur\":1,\"name\":\"a\",\"cat\":\"b\",\"args\":{\"step\":0}}]}",
                "event 1"
            ),
        ]
        for (text, words) in broken {
            let file = try folder.file("broken.json", Array(text.utf8))
            let outcome = try Command.run("trace", file)
            #expect(outcome.code == 65 && outcome.errorLines.count == 1 && outcome.errors.contains(words), "\(text)")
        }
        for (arguments, words) in [
            ([], "file has to come first"), ([path, "--step", "9"], "--step: 9 is not in the trace; it has 1 to 3"),
            ([path, "--width", "3"], "--width"), ([folder.path("none")], "cannot be read"),
        ] {
            let outcome = try Command.run(["trace"] + arguments)
            #expect(outcome.errorLines.count == 1 && outcome.errors.contains(words), "\(arguments)")
            #expect(outcome.code == (arguments.first == folder.path("none") ? 65 : 64))
        }
    }
}
