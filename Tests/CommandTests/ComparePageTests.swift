import Foundation
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

    @Test("what the user typed is text, and one word of the command that repeats the comparison")
    func escaped() throws {
        let folder = try Folder()
        let data = try folder.file("a <b>&'\"", Array(repeating: 7, count: 4000))
        let (text, _) = try page(["--transport", "threads", "--vocab-size", "256", "--data", data])
        let command = try #require(text.split(separator: "\n").first { $0.contains("ppthreads compare --html") })
        #expect(command.contains("/a &lt;b&gt;&amp;&#39;\\&#39;&#39;&quot;&#39;</code>"))
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
