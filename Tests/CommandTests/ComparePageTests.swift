// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

struct ComparePageTests {
    /// Flags that make a comparison of a tiny model last a moment.
    private static let short = ["--trials", "2", "--warmup", "1", "--measure", "2", "--microbatches", "3"] + tiny

    /// The page that `compare` writes, with what it printed.
    private func page(_ arguments: [String] = []) throws -> (text: String, output: String) {
        let folder = try Folder()
        let path = folder.path("page.html")
        let outcome = try Command.run(["compare", "--html", path] + Self.short + arguments)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return (try String(contentsOfFile: path, encoding: .utf8), outcome.output)
    }

    @Test("tags are balanced, and the table is printed all the same") func wellFormed() throws {
        let (text, output) = try page()
        #expect(unbalancedTags(text).isEmpty)
        #expect(text.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        #expect(text.contains("<meta name=\"viewport\"") && text.contains("<title>"))
        #expect(output.contains("tokens/s"))
    }

    @Test("the page refers to nothing outside of itself") func selfContained() throws {
        let (text, _) = try page()
        let references = ["http://", "https://", "src=", "href=", "@import", "<link"].filter { text.contains($0) }
        #expect(references.isEmpty)
        for reference in text.matches(of: /url\((.)/) { #expect(reference.1 == "#") }
    }

    @Test("each candidate has a bar with all terms, and a chart with each task of its schedule once")
    func charts() throws {
        let (text, _) = try page(["--transport", "threads", "--virtual-stages", "2"])
        let charts = text.components(separatedBy: "<figure class=\"gantt\">").dropFirst()
        // Two ranks; for each stage three forwards, three backwards and a packing; for each rank an update.
        let tasks = [2 * 7 + 2, 2 * 7 + 2, 4 * 7 + 2]
        #expect(charts.map { $0.components(separatedBy: "<rect class=\"task ").count - 1 } == tasks)
        for kind in ["forward", "backward"] {
            let counts = charts.map { $0.components(separatedBy: "<rect class=\"task \(kind)").count - 1 }
            #expect(counts == [6, 6, 12], "\(kind)")
        }
        let start = try #require(text.firstRange(of: "Stacked bars")).upperBound
        let end = try #require(text.firstRange(of: "<details>")).lowerBound
        for term in ["work", "imbalance", "bubble", "oversubscription", "transport", "optimizer"] {
            #expect(text[start..<end].components(separatedBy: "<rect class=\"\(term)\"").count - 1 == 3, "\(term)")
        }
    }

    @Test("it holds the orders that are compared, and every named one of their sizes") func orders() throws {
        let folder = try Folder()
        // 1F1B's first rank behind a second one that does two forwards before each backward: no order that has a name.
        let file = try folder.file(
            "mine.csv", Array("0F0,0F1,0B0,0F2,0B1,0B2\n1F0,1F1,1B0,1F2,1B1,1B2\n".utf8))
        let (text, _) = try page(
            ["--transport", "threads", "--schedule", "\(file),zb-h1,interleaved", "--virtual-stages", "2"])
        let orders = try WrittenPage.orders(of: text)
        #expect(orders.other == "zb-h1" && orders.orders.map(\.key).contains("interleaved:2"))
        #expect(orders.orders.compactMap(\.kind) == ScheduleKind.allCases)
        let own = try #require(orders.orders.first { $0.key == orders.first })
        #expect(own.kind == nil && own.sizes[0].actions == ["0F0 0F1 0B0 0F2 0B1 0B2", "1F0 1F1 1B0 1F2 1B1 1B2"])
        #expect(orders.orders.allSatisfy { $0.sizes.map { [$0.ranks, $0.microbatches] } == [[2, 3]] })
    }

    @Test("a file's order stands under the file's name, though one that has a name is the same") func sameOrder() throws
    {
        let folder = try Folder()
        let file = try folder.file("mine.csv", Array("0F0,0F1,0B0,0F2,0B1,0B2\n1F0,1B0,1F1,1B1,1F2,1B2\n".utf8))
        let (text, _) = try page(["--transport", "threads", "--schedule", "\(file),1f1b"])
        let orders = try WrittenPage.orders(of: text)
        #expect(orders.first == "file:mine.csv" && orders.other == "1f1b")
        let same = orders.orders.filter { [orders.first, "1f1b"].contains($0.key) }.map(\.sizes[0].actions)
        #expect(same.count == 2 && same[0] == same[1])
    }

    @Test("what is compared on several transports, or twice under two files' names, stands once under each name")
    func eachOnce() throws {
        let folder = try Folder()
        let row = Array("0F0,0F1,0B0,0F2,0B1,0B2\n1F0,1B0,1F1,1B1,1F2,1B2\n".utf8)
        let files = [try folder.file("a.csv", row), try folder.file("b.csv", row)]
        let (text, _) = try page(["--schedule", "interleaved,\(files[0]),\(files[1])", "--virtual-stages", "1"])
        let orders = try WrittenPage.orders(of: text)
        let own = orders.orders.map(\.key).filter { $0.hasPrefix("file:") }
        #expect(own == ["file:Interleaved-1F1B", "file:a.csv", "file:b.csv"])
        #expect(orders.first == own[0] && orders.other == own[1])
    }

    /// The number of an input on the page.
    private func input(_ name: String, in text: String) throws -> Double {
        let start = try #require(text.firstRange(of: " name=\"\(name)\"")).upperBound
        let value = try #require(text[start...].firstRange(of: " value=\"")).upperBound
        return try #require(Double(text[value...].prefix { $0 != "\"" }))
    }

    @Test("its orders are drawn to what was measured") func measured() throws {
        let (text, _) = try page(["--transport", "threads", "--schedule", "1f1b,zb-h1"])
        let (input, weights) = (try input("input", in: text), try self.input("weights", in: text))
        #expect(try self.input("forward", in: text) == 1 && input > 0 && weights > 0)
        let sentence = try #require(
            text.firstMatch(of: /; I ([0-9.]+) and W ([0-9.]+) \(means over all stages and candidates\), and/))
        #expect(Double(sentence.1) == input && Double(sentence.2) == weights)
        // Of two ranks and three microbatches (3 + 1)(F + B), and what nothing hides: to the second rank and back, first and last.
        let units = 4 * (1 + input + weights) + 4 * (try self.input("handoff", in: text))
        let told = try #require(text.firstMatch(of: /At these times the order of 1F1B takes ([0-9.]+) units/))
        #expect(abs(try #require(Double(told.1)) - units) < 0.005, "\(told.1), not \(units)")
    }

    @Test(
        "in a browser its orders are drawn, follow every input, and load nothing",
        .enabled(if: Python.isThere && Tool.chromium != nil))
    func browser() throws {
        let folder = try Folder()
        let path = folder.path("page.html")
        let outcome = try Command.run(["compare", "--html", path, "--transport", "threads"] + Self.short)
        try #require(outcome.code == 0, "\(outcome.errors)")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let inputs = try ["forward", "input", "weights", "handoff"].map { ($0, try input($0, in: text)) }
        let expected: [String: Any] = [
            "keys": ["gpipe", "1f1b"], "titles": ["GPipe", "1F1B"], "actions": [12, 12],
            "inputs": Dictionary(uniqueKeysWithValues: inputs),
            "makespan": try #require(text.firstMatch(of: /At these times the order of GPipe takes ([0-9.]+ units)/)).1,
        ]
        let file = try folder.file("case.json", Array(try JSONSerialization.data(withJSONObject: expected)))
        let tried = try Python.run("Browser/compare_page.py", [Tool.chromium!, path, file])
        #expect(tried.code == 0, "\(tried.output)\(tried.errors)")
    }

    @Test("what the user typed is text, and one word of the command that repeats the comparison")
    func escaped() throws {
        let folder = try Folder()
        let data = try folder.file("a <b>&'\"", Array(repeating: 7, count: 4000))
        let (text, _) = try page(["--transport", "threads", "--vocab-size", "256", "--data", data])
        let command = try #require(
            text.split(separator: "\n").first {
                $0.contains("ppthreads compare</span> <span class=\"unbroken\">--html ")
            })
        #expect(command.contains("/a &lt;b&gt;&amp;&#39;\\&#39;&#39;&quot;&#39;</span></code>"))
        #expect(!command.contains("<b>"))
        #expect(unbalancedTags(text).isEmpty)
    }

    @Test("a page that cannot be written ends the command before it measures") func unwritable() throws {
        let folder = try Folder()
        let path = folder.path("none/page.html")
        let outcome = try Command.run(["compare", "--trials", "1000", "--measure", "10000", "--html", path])
        #expect(outcome.code == 65)
        #expect(outcome.errors.contains("\(path): cannot be written"))
        #expect(outcome.errorLines.count == 1 && outcome.output.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }
}

/// Elements that were not closed in the order of their opening, or closed and never opened.
func unbalancedTags(_ html: String) -> [Substring] {
    let isVoid: Set<Substring> = ["meta", "br", "hr", "link", "img", "input"]
    let code = /<(style|script)>.*?<\/(style|script)>/.dotMatchesNewlines()
    var (open, wrong): ([Substring], [Substring]) = ([], [])
    for tag in html.replacing(code, with: "").split(separator: "<").dropFirst() where !tag.hasPrefix("!") {
        let name = tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber }
        if isVoid.contains(name) { continue }
        if !tag.hasPrefix("/") {
            open.append(name)
        } else if open.popLast() != name {
            wrong.append(name)
        }
    }
    return wrong + open
}
