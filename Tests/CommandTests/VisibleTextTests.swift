// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing

/// What acts on a terminal stays out of it, wherever a file or an argument brings it in.
struct VisibleTextTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    /// A name with a colour, a title, a C1 control, DEL, an end of a line, a tab, a bell, an override of the direction, an
    /// isolate, a separator of paragraphs and a mark of the byte order.
    private static let name =
        "a\u{1B}[31m\u{1B}]0;x\u{7}\u{9B}2J\u{7F}\r\n\t\u{0}\u{202E}\u{2066}\u{2029}\u{FEFF}\u{8}z"
    private static let shown =
        #"a\u{1B}[31m\u{1B}]0;x\u{7}\u{9B}2J\u{7F}\r\n\t\u{0}\u{202E}\u{2066}\u{2029}\u{FEFF}\u{8}z"#

    /// Whether a text holds nothing that acts on a terminal but ends of lines.
    private func isPlain(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0x0A: true
            case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: false
            default: true
            }
        }
    }

    private func results(host: String, error: String = "") throws -> String {
        let text = """
            schedule,world_size,layers,heads,microbatches,tokens_per_s,avg_step_time_s,work_s,imbalance_s,bubble_s,\
            oversubscription_s,transport_s,optimizer_s,host,error
            gpipe,2,4,4,4,1000,0.5,0.2,0.1,0.1,0,0.05,0.05,"\(host)",
            1f1b,2,4,4,4,1500,0.4,0.2,0.1,0.05,0,0.0,0.05,"\(host)",
            "zb\(host)",2,4,4,4,,,,,,,,,"\(host)","\(error)"
            gpipe,2,4,4,4,1000,0.5,0.2,0.1,0.1,0,0.05,0.05,"other \(host)",

            """
        return try folder.file("results.csv", Array(text.utf8))
    }

    @Test("names and reasons of a CSV are shown with escapes, one line for each row and note") func table() throws {
        let plain = try Command.run("analyze", try results(host: "b", error: "c"))
        let outcome = try Command.run("analyze", try results(host: Self.name, error: Self.name))
        #expect(outcome.code == 0 && isPlain(outcome.output))
        #expect(outcome.output.contains("host \(Self.shown)") && outcome.output.contains(": \(Self.shown)"))
        func lines(_ text: String) -> Int { text.unicodeScalars.count { $0 == "\n" } }
        #expect(lines(outcome.output) == lines(plain.output))
    }

    @Test("plots and pages of such names are well-formed, and hold none of it") func plots() throws {
        let (path, page) = (try results(host: Self.name, error: Self.name), folder.path("page.html"))
        #expect(try Command.run("analyze", path, "--svg", folder.url.path, "--html", page).code == 0)
        for name in ["losses", "speedup", "efficiency", "breakdown"] {
            let text = try String(contentsOfFile: folder.path("\(name).svg"), encoding: .utf8)
            #expect(XMLParser(data: Data(text.utf8)).parse() && isPlain(text), "\(name)")
            // Lines end where they do.
            #expect(text.contains(Self.shown.replacing("\\n", with: "\n")), "\(name)")
        }
        #expect(isPlain(try String(contentsOfFile: page, encoding: .utf8)))
    }

    @Test("an error is one line, whatever stands in the file, the path or the argument") func errors() throws {
        let odd = "\u{1B}[2J\r\u{202E}\n"
        let escaped = #"\u{1B}[2J\r\u{202E}\n"#
        let tensors = #"{"w\u001b[2J\r\u202e\n":{"dtype":"F32","shape":[4],"data_offsets":[0,8]}}"#
        let length = [UInt8(tensors.utf8.count)] + Array(repeating: 0, count: 7)
        let header = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s\n"
        let cases = [
            ["analyze", try folder.file("a.csv", Array("\(header)gpipe,2,\"4\(odd)\",4,1,1\n".utf8))],
            ["analyze", folder.path("none\(odd)")],
            ["sweep", "--out", try folder.file("b.csv", Array("\"sche\(odd)\",b\n".utf8))],
            ["trace", folder.path("none\(odd)")], ["run", "--la\(odd)"], ["run", "--data", folder.path("none\(odd)")],
            ["fro\(odd)"],
            ["run", "--init", try folder.file("w", length + Array(tensors.utf8) + Array(repeating: 0, count: 8))],
        ]
        for arguments in cases {
            let outcome = try Command.run(arguments)
            #expect([64, 65].contains(outcome.code) && isPlain(outcome.errors), "\(arguments)")
            #expect(outcome.errors.contains(escaped), "\(arguments)")
            #expect(outcome.errors.unicodeScalars.count { $0 == "\n" } == 1, "\(arguments)")
        }
    }

    @Test("a row that a run prints, and a sweep keeps, has a file's name with escapes") func rows() throws {
        let tokens = try folder.file(String(Self.name.filter { $0 != "\u{0}" }), (0..<100).map { $0 % 9 })
        let shown = Self.shown.replacing(#"\u{0}"#, with: "")
        let printed = try Command.run(["run", "--data", tokens, "--emit-csv"] + tiny)
        #expect(printed.code == 0 && isPlain(printed.output) && printed.output.contains(",\(shown):"))
        let grid = ["--schedule", "gpipe", "--data", tokens, "--out", folder.path("o.csv")]
        for there in [0, 2] {
            let outcome = try Command.run(["sweep"] + smallest + grid)
            #expect(outcome.code == 0 && outcome.output.contains(" \(there) were there before"), "\(outcome.errors)")
        }
    }

    @Test("the names in a trace cannot break its drawing") func trace() throws {
        let text = """
            {"traceEvents":[{"ph":"X","tid":0,"ts":0,"dur":10,"name":"F\\u001b[2J\\n\\u202e","cat":"forward",\
            "args":{"step":0}}]}
            """
        let outcome = try Command.run("trace", try folder.file("t.json", Array(text.utf8)), "--width", "40")
        #expect(outcome.code == 0 && isPlain(outcome.output))
        #expect(
            outcome.output.split(separator: "\n").dropLast() == [
                "step 0", #"rank 0   F\u{1B}[2J\n\u{202E}====================  at work 100 %"#,
            ])
    }

    // MARK: Progress

    /// What a run writes to standard error when that is a terminal.
    private func errorsOnTerminal(_ environment: [String]) throws -> String {
        let words = ["/usr/bin/env", "-u", "TERM"] + environment + [Command.path("ppthreads"), "run"] + tiny
        let quoted = words.map { "'\($0)'" }.joined(separator: " ")
        let log = folder.path("log")
        #expect(try ChildProcess(["/usr/bin/script", "-qec", "\(quoted) >/dev/null", log]).wait().code == 0)
        return try String(contentsOfFile: log, encoding: .utf8)
    }

    @Test(
        "progress is for terminals that can replace a line: none on a dumb one, nor on one without a name",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")),
        arguments: [(["TERM=xterm"], true), (["TERM=dumb"], false), ([], false), (["TERM="], false)])
    func progress(environment: [String], isShown: Bool) throws {
        #expect(try errorsOnTerminal(environment).contains("\u{1B}[K") == isShown)
    }
}
