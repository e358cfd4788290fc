// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing

/// What `analyze` draws: the page, plots as SVG and as PNG.
struct AnalyzePlotTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    @Test("each plot that the figures allow is a well-formed file, and the others are told of") func plots() throws {
        var rows: [String] = []
        for (ranks, microbatches) in [(1, 2), (1, 4), (2, 2), (2, 4)] {
            for (layers, schedule) in [(4, "gpipe"), (4, "1f1b"), (8, "gpipe"), (8, "1f1b")] {
                rows += (0...1).map { repetition in
                    resultsRow(
                        schedule, ranks: ranks, layers: layers, tokens: "\(900 + repetition)", repetition: repetition,
                        microbatches: microbatches)
                }
            }
        }
        let path = try folder.csv(rows)
        #expect(!(try analyze(path, "--svg", folder.url.path).output.contains("no plot")))
        for name in ["layers", "losses", "speedup", "efficiency", "breakdown", "microbatches", "formula"] {
            let text = try String(contentsOfFile: folder.path("\(name).svg"), encoding: .utf8)
            #expect(XMLParser(data: Data(text.utf8)).parse(), "\(name)")
            #expect(text.contains("prefers-color-scheme: dark") && !text.contains("var(--"))
            #expect(text.contains("(ms)") || text.contains("%") || text.contains("tokens/s"))
        }
        let few = try analyze(try folder.csv(resultsRow("gpipe", ranks: 1))).output
        for name in ["layers", "losses", "speedup", "efficiency", "microbatches", "formula"] {
            #expect(few.contains("no plot \(name): "))
        }
    }

    @Test("models with other heads share a panel against layers, and a bar of what is lost") func overview() throws {
        var rows: [String] = []
        for (layers, heads) in [(4, 4), (4, 8), (8, 4), (8, 8)] {
            rows.append(resultsRow("gpipe", layers: layers, heads: heads))
            rows.append(resultsRow("1f1b", layers: layers, heads: heads, tokens: "\(1000 + layers * 10 + heads)"))
        }
        _ = try analyze(try folder.csv(rows), "--svg", folder.url.path)
        let layers = try String(contentsOfFile: folder.path("layers.svg"), encoding: .utf8)
        #expect(layers.split(separator: ">layers (v").count == 2)
        for speedup in ["1.044", "1.048", "1.084", "1.088"] { #expect(layers.contains("speedup  \(speedup)")) }
        let losses = try String(contentsOfFile: folder.path("losses.svg"), encoding: .utf8)
        #expect(losses.split(separator: ">60.0 % 1F1B<").count == 3)
        #expect(losses.contains(">4 layers, P=2, M=4, threads<") && losses.contains(">8 layers, P=2, M=4, threads<"))
    }

    @Test("the page is well-formed, needs nothing outside of itself, and takes names as text") func page() throws {
        let file = folder.path("page.html")
        let host = "<b>&'x'"
        let path = try folder.csv(resultsRow("gpipe", host: host), resultsRow("1f1b", tokens: "1500", host: host))
        _ = try analyze(path, "--html", file)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(unbalancedTags(text).isEmpty)
        #expect(!text.contains("<b>") && text.contains("&lt;b&gt;"))
        #expect(["http://", "https://", "src=", "href=", "@import", "<link"].allSatisfy { !text.contains($0) })
        #expect(text.replacing(/<[^>]*>/, with: "").contains("ppthreads analyze \(path) --html \(file)"))
        #expect(text.contains("speedup  1.500"))
    }

    /// A shell's words that print what every PNG begins with, and then a file.
    static let likePNG = #"printf '\211PNG\r\n\032\n' | /bin/cat -"#

    /// Analyzes runs with `--png`, with such a program in the only folder of `PATH`.
    private func png(
        _ name: String, _ script: String, _ rows: [String] = [resultsRow("gpipe"), resultsRow("1f1b", tokens: "1500")]
    ) throws -> Command.Outcome {
        try folder.program(name, "#!/bin/sh\n\(script)\n")
        let path = try folder.csv(rows)
        return try Command.run(
            ["analyze", path, "--png", folder.url.path], through: ["/usr/bin/env", "PATH=\(folder.url.path)"])
    }

    @Test("each plot becomes a PNG by the program that PATH has, in colours on white") func pngs() throws {
        let outcome = try png(
            "rsvg-convert", #"\#(Self.likePNG) "$9" > "$8" && [ "$1 $2 $7" = "--zoom 2 --output" ]"#)
        #expect(outcome.code == 0, "\(outcome.errors)")
        for name in ["losses", "speedup", "efficiency", "breakdown"] {
            let bytes = try Data(contentsOf: URL(filePath: folder.path("\(name).png")))
            let text = String(decoding: bytes.dropFirst(8), as: UTF8.self)
            #expect(XMLParser(data: Data(text.utf8)).parse(), "\(name)")
            #expect(text.contains("fill: #ffffff") && !text.contains("dark"))
        }
    }

    @Test("what a converter has started does not outlive it") func childrenOfConverter() throws {
        let list = folder.path("helpers")
        let outcome = try png(
            "rsvg-convert", "/bin/sleep 600 >/dev/null 2>&1 & echo $! >> \(list); \(Self.likePNG) \"$9\" > \"$8\"")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let helpers = try String(contentsOfFile: list, encoding: .utf8).split(separator: "\n").compactMap { Int32($0) }
        #expect(helpers.count == 4)
        for helper in helpers {
            // Killed, it may still wait for whoever collects it.
            let state = (try? String(contentsOfFile: "/proc/\(helper)/stat", encoding: .utf8)) ?? ""
            if state.isEmpty || state.contains(") Z ") { continue }
            Issue.record("\(helper) goes on")
            kill(helper, SIGKILL)
        }
    }

    @Test("a plot that is too high for a PNG is left out, and a line says so") func highPlot() throws {
        let rows = (0..<300).map { resultsRow("gpipe", threads: $0 + 1) }
        let outcome = try png("rsvg-convert", #"\#(Self.likePNG) "$9" > "$8""#, rows)
        #expect(outcome.code == 0 && outcome.errorLines.allSatisfy { $0.hasSuffix("; left out, --svg has it") })
        #expect(outcome.errors.contains("ppthreads analyze: --png: breakdown is "))
        #expect(!FileManager.default.fileExists(atPath: folder.path("breakdown.png")))
    }

    @Test(
        "without a program for PNGs, or with one that fails, lines say so",
        arguments: [
            ("other", "exit 0", 69, "PATH has no rsvg-convert, inkscape, chromium, "),
            (
                "rsvg-convert", #"/bin/cp "$9" "$8"; exit 1"#, 70,
                "/rsvg-convert ended with code 1 and made no PNG of losses.svg"
            ),
            (
                "rsvg-convert", "\(likePNG) \"$9\" > \"$8\"; exit 3", 70,
                "/rsvg-convert ended with code 3 and made no PNG of losses.svg"
            ), ("inkscape", "exit 0", 70, "/inkscape ended with code 0 and made no PNG of losses.svg"),
            (
                "rsvg-convert", #"echo no picture > "$8""#, 70,
                "/rsvg-convert ended with code 0 and made no PNG of losses.svg"
            ),
        ])
    func noPNGs(name: String, script: String, code: Int32, line: String) throws {
        let outcome = try png(name, script)
        #expect(outcome.code == code && outcome.errors.contains(line))
        #expect(outcome.errorLines.count == (code == 69 ? 1 : 4), "a line for each plot that was not made")
        #expect(outcome.errorLines.allSatisfy { $0.hasPrefix("ppthreads analyze: --png: ") })
        #expect(!FileManager.default.fileExists(atPath: folder.path("losses.png")))
    }
}
