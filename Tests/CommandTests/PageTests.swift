// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import ppthreads

/// What holds for every page: it fits phones and desktops, in light and dark, its words tell what they mean, its small boxes what
/// they are, its console stays silent, and it loads nothing.
@Suite("every page") struct PageTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// - Parameter arguments: of the command that writes the page, without `--html`.
    private func page(_ arguments: [String]) throws -> String {
        let path = folder.path("page.html")
        let outcome = try Command.run(arguments + ["--html", path])
        try #require(outcome.code == 0, "\(outcome.errors)")
        return path
    }

    private func check(_ page: String) throws {
        let tried = try Python.run("Browser/page.py", [Tool.chromium!, page])
        #expect(tried.code == 0, "\(tried.output)\(tried.errors)")
    }

    /// With intervals, terms, one stage, and more rows than a table shows at once.
    private var results: [String] {
        let sizes = [4, 8, 12].flatMap { layers in [2, 4].map { (layers, $0) } }
        let pipelines = sizes.flatMap { layers, ranks in
            ["gpipe", "1f1b", "zb-h1"].flatMap { schedule in
                (1...5).map { repetition in
                    resultsRow(
                        schedule, ranks: ranks, layers: layers, tokens: "\(1000 + 17 * repetition + layers)",
                        repetition: repetition, transport: ranks == 2 ? "threads" : "processes")
                }
            }
        }
        return pipelines + [4, 8, 12].map { resultsRow("gpipe", ranks: 1, layers: $0, tokens: "600") }
    }

    private static let isTried = Python.isThere && Tool.chromium != nil

    @Test("of results, it fits and answers in a browser", .enabled(if: PageTests.isTried, "no Python or no Chromium"))
    func analyze() throws { try check(page(["analyze", folder.csv(results)])) }

    @Test(
        "of results that differ in many settings, it fits too, with each row's below its name",
        .enabled(if: PageTests.isTried, "no Python or no Chromium"))
    func manySettings() throws {
        let names = "seq_len,batch_size,ffn,vocab_size,lr,seed,dropout,simd"
        let rows = (0..<40).flatMap { row in
            ["gpipe", "1f1b"].map { schedule in
                "\(schedule),2,4,4,0.5,\(1000 + row),\(64 << (row % 2)),8,\(256 * (row % 3 + 1)),1000,"
                    + "3e-\(row % 4 + 1),\(row),0.\(row % 2),avx2"
            }
        }
        let header = "schedule,world_size,layers,heads,avg_step_time_s,tokens_per_s," + names
        let file = try folder.file("results.csv", Array(([header] + rows).joined(separator: "\n").utf8))
        try check(page(["analyze", file]))
    }

    @Test(
        "of one order, or of a file's, it fits and answers in a browser",
        .enabled(if: PageTests.isTried, "no Python or no Chromium"), arguments: ["zb-h1", "mine.csv"])
    func order(name: String) throws {
        let file = folder.path("mine.csv")
        _ = try Command.run("schedule", "1f1b", "--stages", "2", "--microbatches", "4", "--csv", file)
        try check(page(["schedule", name == "mine.csv" ? file : name]))
    }

    @Test("what its words open is what the glossary says, and each stands on the page once") func meanings() throws {
        let text = try String(contentsOfFile: page(["analyze", folder.csv(results)]), encoding: .utf8)
        let told = Term.allCases.filter { text.contains("<dfn>\($0.name)</dfn>: \(Markup($0.meaning).html)</p>") }
        #expect(Set(told).isSuperset(of: [.ranks, .overGPipe, .referenceEfficiency, .bubble, .optimizer, .runs]))
        #expect(text.components(separatedBy: "<dfn>").count - 1 == told.count)
        let opened = Set(text.matches(of: /popovertarget="([^"]+)"/).map(\.1))
        #expect(
            opened.count == told.count && opened.allSatisfy { text.contains("id=\"\($0)\" class=\"meaning\" popover") })
    }

    @Test("runs on one stage are called that, on the page, in the table and in plots, whatever their schedule's name")
    func oneStage() throws {
        let path = folder.path("page.html")
        let file = try folder.csv(
            resultsRow("1f1b", ranks: 1), resultsRow("1f1b", tokens: "1500"), resultsRow("gpipe", tokens: "1400"))
        let outcome = try Command.run("analyze", file, "--html", path, "--svg", folder.url.path)
        #expect(outcome.output.contains("  one stage  ") && outcome.output.contains("  1F1B  "))
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.components(separatedBy: "<th scope=\"row\" data-value=\"one stage\">").count == 3)
        #expect(text.components(separatedBy: "<th scope=\"row\" data-value=\"1F1B\">").count == 3)
        let breakdown = try String(contentsOfFile: folder.path("breakdown.svg"), encoding: .utf8)
        #expect(breakdown.contains(">one stage<"))
    }

    @Test("the command on it has each flag in one piece with its value, and every word as a shell takes it")
    func command() throws {
        let path = try page(["analyze", folder.csv(results), "--summary", folder.path("a b.csv")])
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let command = try #require(text.firstMatch(of: /<code>(.*?)<\/code>/)).1
        let pieces = command.matches(of: /<span class="unbroken">(.*?)<\/span>/).map { String($0.1) }
        let file = folder.path("results.csv")
        #expect(
            pieces == [
                "ppthreads analyze", file, "--summary &#39;\(folder.path("a b.csv"))&#39;", "--html \(path)",
            ])
        #expect(command.replacing(/<[^>]*>/, with: "") == pieces.joined(separator: " "))
    }
}
