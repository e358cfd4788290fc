// SPDX-License-Identifier: Apache-2.0

import Testing

/// "Place" has meant an index, a CPU, a ring's slot and a point in a file. One word a meaning: each of them has its own.
@Suite("an index is no place") struct PlaceTests {
    private func violations(in file: SourceFile) -> [Violation] {
        // A comment's sentence goes on in the next line, and so may the phrase.
        let lines = file.lines
        return lines.indices.compactMap { index in
            let before = index > 0 ? lines[index - 1].words.suffix(2) : []
            let after = index + 1 < lines.count ? lines[index + 1].words.prefix(1) : []
            let isNoun = Self.hasNoun(lines[index].words, after: Array(before), before: Array(after))
            let isName = ["place", "places"].contains(where: lines[index].code.hasWord)
            guard isNoun || isName else { return nil }
            let text = (lines[index].code + lines[index].comment).trimmingPrefix { $0 == " " }
            return Violation(path: file.path, line: index + 1, message: "index, CPU, slot, or what is it? \(text)")
        }
    }

    private static func hasNoun(_ words: [String], after: [String], before: [String]) -> Bool {
        let all = after + words + before
        return (after.count..<after.count + words.count).contains { index in
            guard all[index] == "place" || all[index] == "places" else { return false }
            let previous = index > 0 ? all[index - 1] : ""
            let isInTheOf =
                previous == "the" && index > 1 && all[index - 2] == "in" && index + 1 < all.count
                && all[index + 1] == "of"
            return !isInTheOf && !["in", "take", "takes", "taken", "taking", "took"].contains(previous)
        }
    }

    @Test("no name and no comment in Sources calls something a place") func tree() {
        expectNone(SourceTree.files.filter { $0.isIn("Sources") }.flatMap(violations))
    }

    @Test(
        "names and nouns are found",
        arguments: [
            "let place = 1", "for place in places {", "a.place(b)", "// The place of a tensor.", "/// Places\n",
        ])
    func found(text: String) {
        #expect(violations(in: SourceFile("Sources/A.swift", text)).map(\.line) == [1])
    }

    @Test(
        "verbs and phrases pass",
        arguments: [
            "let placement = placed(replace)", "// Written in place.", "// What takes place in the place of a.",
            "// Written in\n// place.", "let a = \"place\"",
        ]) func passed(text: String)
    {
        #expect(violations(in: SourceFile("Sources/A.swift", text)).isEmpty)
    }
}

extension SourceText.Line {
    /// The comment's, in lower case.
    fileprivate var words: [String] {
        comment.lowercased().split { !$0.isLetter }.map(String.init)
    }
}
