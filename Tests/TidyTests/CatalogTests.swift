// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("DocC catalogs") struct CatalogTests {
    /// What the pages list among their topics.
    private func topics(_ pages: [SourceFile]) -> [Substring] {
        pages.flatMap { $0.text.matches(of: /(?m)^- ``(.+)``$/).map(\.1) }
    }

    /// What is public at the top level of a library's files, and not once among the topics of its pages.
    private func strangers(_ files: [SourceFile], _ pages: [SourceFile]) -> [Violation] {
        let topics = topics(pages)
        return files.flatMap { file in
            file.lines.indices.compactMap { index in
                guard file.lines[index].depth == 0, let declaration = Declaration(in: file.lines, at: index),
                    declaration.isPublic
                else { return nil }
                let count = topics.count { $0 == declaration.name }
                let message = "\(declaration.name) is to be listed once on its library's DocC pages, not \(count) times"
                return count == 1 ? nil : Violation(path: file.path, line: index + 1, message: message)
            }
        }
    }

    @Test("a library's first page has every public name of its top level in a topic", arguments: SourceTree.libraries)
    func topics(library: String) {
        func own(_ files: [SourceFile]) -> [SourceFile] { files.filter { $0.isIn("Sources/\(library)") } }
        #expect(own(SourceTree.pages).contains { $0.path.hasSuffix("/\(library).docc/\(library).md") })
        expectNone(strangers(own(SourceTree.files).filter(\.isSwift), own(SourceTree.pages)))
    }

    @Test("names in no topic, or in two, are found; others pass") func topicRule() {
        let file = SourceFile(
            "A.swift", "public struct A {\n    public enum B {}\n}\nenum C {}\npublic func d(_ e: Int) {}")
        func lines(_ topics: String) -> [Int] { strangers([file], [SourceFile("A.md", topics)]).map(\.line) }
        #expect(lines("# ``A``\n\n- ``A``\n- ``d(_:)``\n").isEmpty)
        #expect(lines("# ``A``\n\n- ``d(_:)``\n") == [1])
        #expect(lines("- ``A``\n- ``d(_:)``\n- ``A``\n") == [1])
        #expect(lines("- ``A``\n") == [5])
    }

    /// Blocks of Swift whose lines are not, in this order, in one of the snippets. Blank lines and indentation do not count.
    private func unproven(_ page: SourceFile, _ snippets: [SourceFile]) -> [Violation] {
        page.text.matches(of: /(?m)^```swift\n((?s:.*?))^```$/).compactMap { block in
            let lines = trimmedLines(String(block.1))
            let isQuoted = snippets.contains { snippet in
                var rest = trimmedLines(snippet.text)[...]
                return lines.allSatisfy { line in
                    rest = rest.drop { $0 != line }
                    return rest.popFirst() != nil
                }
            }
            let number = page.text[..<block.range.lowerBound].count { $0 == "\n" } + 1
            let message = "the code is in no file of Snippets"
            return isQuoted ? nil : Violation(path: page.path, line: number, message: message)
        }
    }

    private func trimmedLines(_ text: String) -> [String] {
        text.split(separator: "\n").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
    }

    @Test("code on their pages, and in docs, is in a snippet, which is compiled") func code() {
        let pages = SourceTree.pages + SourceTree.documents
        #expect(pages.count { $0.text.contains("\n```swift\n") } > SourceTree.libraries.count)
        expectNone(pages.flatMap { unproven($0, SourceTree.snippets) })
    }

    @Test("code that a snippet has otherwise, elsewhere or not at all is found") func codeRule() {
        let snippets = ["a()\nif b {\n    c()\n}\n", "d()\n"].map { SourceFile("S.swift", $0) }
        func lines(_ code: String) -> [Int] {
            unproven(SourceFile("A.md", "# A\n\n```swift\n\(code)\n```\n\n```sh\nx\n```\n"), snippets).map(\.line)
        }
        for sound in ["a()", "a()\n\nc()", "if b {\n    c()\n}", "c()", "d()"] {
            #expect(lines(sound).isEmpty, "\(sound)")
        }
        for stale in ["a(1)", "c()\na()", "a()\nd()", "a()\na()", "x"] {
            #expect(lines(stale) == [3], "\(stale)")
        }
    }
}
