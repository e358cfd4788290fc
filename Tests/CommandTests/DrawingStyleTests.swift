// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import ppthreads

/// What pages and plots are made of: text that stays text, colours that tell things apart, and no way to a network.
struct DrawingStyleTests {
    @Test("no character of a text acts as markup, and XML can hold all that is left of it") func escaping() {
        #expect(Markup("<a href='x'>&\"").html == "&lt;a href=&#39;x&#39;&gt;&amp;&quot;")
        #expect(Markup("a\nb\u{1}\u{202E}\u{7F}").html == "a\nb\\u{1}\\u{202E}\\u{7F}")
        let name = "<b>&\"'</title>\u{1}"
        let plot = Plot(
            id: "x", title: name, note: name, legend: [("work", name)], height: 10,
            content: BarChart(
                rows: [.heading(name), .bar(.init(pieces: [("work", 1)], interval: nil, value: name, details: name))],
                scale: Scale(end: 2, unit: name), axis: name
            ).content)
        let shown = "<b>&\"'</title>\\u{1}"
        for file in [plot.file, plot.lightFile] {
            let drawn = Drawn(xml: file)
            #expect(drawn.elements[0].attributes["aria-label"] == shown)
            // Title, note, key, heading, value, axis; and the details, which are an element's title.
            #expect(drawn.all("text").count { $0.text == shown } == 6)
            #expect(drawn.all("title").map(\.text) == [shown])
            #expect(drawn.all("b").isEmpty)
        }
    }

    @Test("a page forbids, before anything else in it is read, all that would need a network") func policy() throws {
        let text = Page.text(title: "a <title>", "content & more")
        let policy =
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; "
            + "style-src &#39;unsafe-inline&#39;; script-src &#39;unsafe-inline&#39;\">"
        let place = try #require(text.firstRange(of: policy)).lowerBound
        for other in ["<style>", "<script>", "<body>", "<title>"] {
            #expect(try #require(text.firstRange(of: other)).lowerBound > place, "\(other)")
        }
        #expect(text.components(separatedBy: "Content-Security-Policy").count == 2)
        #expect(text.contains("<title>a &lt;title&gt;</title>") && text.contains("content &amp; more"))
        #expect(unbalancedTags(text).isEmpty)
    }

    /// What rules say of a class, in their order.
    private func rules(_ style: String, in text: String, _ property: String) -> [String] {
        let start = ".\(style) { \(property): "
        return text.split(separator: "\n").filter { $0.hasPrefix(start) }.map { line in
            String(line.dropFirst(start.count).prefix { $0 != ";" })
        }
    }

    @Test(
        "pages and plots have each colour from its palette, in both themes",
        arguments: [
            (TermPalette.colours, "fill"), (SchedulePalette.colours, "color"), (ActionPalette.colours, "fill"),
        ]) func palettes(palette: Palette, property: String) throws
    {
        let page = Page.text(title: "", "")
        let plot = Plot(id: "x", title: "", note: "", legend: [], height: 1, content: "")
        let isInPlots = palette.colours[0].style != ActionPalette.colours.colours[0].style
        for colour in palette.colours {
            #expect(rules(colour.style, in: page, property) == [colour.light, colour.dark].uniqued, "\(colour.style)")
            guard isInPlots else { continue }
            #expect(rules(colour.style, in: plot.file, property) == [colour.light, colour.dark].uniqued)
            #expect(rules(colour.style, in: plot.lightFile, property) == [colour.light], "\(colour.style)")
        }
    }

    @Test("a plot's legend has each key beside its title, above the chart, which fits the file") func legend() {
        let titles = (0..<12).map { "entry \($0) of a legend" }
        let plot = Plot(
            id: "x", title: "title", note: String(repeating: "word ", count: 60),
            legend: titles.enumerated().map { ("style-\($0)", $1) }, height: 300, content: "")
        let drawn = Drawn(xml: plot.file)
        let chart = drawn.all("svg", "chart")[0]
        var places: Set<[Double]> = []
        for (index, title) in titles.enumerated() {
            let key = drawn.all("rect", "style-\(index)")
            let text = drawn.all("text").filter { $0.text == title }
            #expect(key.count == 1 && text.count == 1)
            // The text is beside the key, on its line, and ends in the file.
            #expect(text[0]["x"] == key[0]["x"] + 20 && text[0]["y"] == key[0]["y"] + 12)
            #expect(key[0]["y"] + 14 < chart["y"] && text[0]["x"] + 7 * Double(title.count) <= 800 - 24 + 20)
            places.insert([key[0]["x"], key[0]["y"]])
        }
        #expect(places.count == 12, "keys lie over each other")
        // 60 words of 4 letters are three lines, all above the first key.
        let lines = drawn.all("text", "aside").filter { $0.text.hasPrefix("word") }
        #expect(lines.count == 3 && lines.allSatisfy { $0.text.count <= 112 && $0["y"] < places.map { $0[1] }.min()! })
        let height = drawn.elements[0]["height"]
        #expect(drawn.elements[0].attributes["viewBox"] == "0 0 800 \(Int(height))")
        #expect(
            chart["height"] >= 300 && chart["y"] + chart["height"] <= height && chart["width"] + 2 * chart["x"] == 800)
        #expect(plot.file.contains("prefers-color-scheme: dark") && !plot.lightFile.contains("dark"))
    }
}

extension [String] {
    /// One of those that follow each other and are the same.
    fileprivate var uniqued: [String] { reduce(into: []) { if $0.last != $1 { $0.append($1) } } }
}
