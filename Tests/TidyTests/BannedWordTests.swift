// SPDX-License-Identifier: Apache-2.0

import Testing

/// What has no business in a file, and what to write instead.
private struct BannedWord: Sendable {
    let word: String
    let instead: String
    var isInComments = false
    var isBannedIn: @Sendable (SourceFile) -> Bool = { _ in true }

    // Put together, so that no search for them ends here.
    fileprivate static let (later, broken, unclear) = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    fileprivate static let forced = "try" + "!"
    fileprivate static let fatal = "fatal" + "Error"

    static let all = [
        BannedWord(word: later, instead: "do it, or open an issue", isInComments: true),
        BannedWord(word: broken, instead: "fix it, or open an issue", isInComments: true),
        BannedWord(word: unclear, instead: "say what is the matter", isInComments: true),
        BannedWord(word: forced, instead: "throw a typed error"),
        BannedWord(word: fatal, instead: "`require` and `trap` speak in release builds too") {
            $0.path != "Sources/Threads/System/Require.swift"
        },
        BannedWord(word: "print(", instead: "a library returns what it has to say") { file in
            SourceTree.libraries.contains { file.isIn("Sources/\($0)") }
        },
        BannedWord(word: "target_clones", instead: "its resolver runs before the thread sanitizer does"),
        BannedWord(word: "ifunc", instead: "its resolver runs before the thread sanitizer does"),
    ]

    func violations(in file: SourceFile) -> [Violation] {
        guard isBannedIn(file), file.text.contains(word) else { return [] }
        return file.lines.enumerated().filter { _, line in
            line.code.hasWord(word) || isInComments && line.comment.hasWord(word)
        }.map { index, _ in Violation(path: file.path, line: index + 1, message: "\(word): \(instead)") }
    }
}

extension String {
    /// Whether it has the word, and not as part of a longer one.
    func hasWord(_ word: String) -> Bool {
        func isPart(_ character: Character?) -> Bool {
            character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
        }
        return ranges(of: word).contains { range in
            let isWholeAtEnd = !isPart(word.last) || !isPart(self[range.upperBound...].first)
            return !isPart(self[..<range.lowerBound].last) && isWholeAtEnd
        }
    }
}

@Suite("banned words") struct BannedWordTests {
    private func violations(in file: SourceFile) -> [Violation] { BannedWord.all.flatMap { $0.violations(in: file) } }

    @Test("no file has one") func tree() { expectNone(SourceTree.files.flatMap(violations)) }

    @Test(
        "each is found",
        arguments: [
            ("Tests/A.swift", "let a = 1  // \(BannedWord.later): b"), ("Sources/a.c", "/* \(BannedWord.broken) */"),
            ("Benchmarks/a.py", "# \(BannedWord.unclear) a"),
            ("Tests/A.swift", "let a = \(BannedWord.forced) b()"),
            ("Sources/Threads/A.swift", "\(BannedWord.fatal)(\"a\")"),
            ("Sources/Pipeline/A.swift", "if a { print(b) }"),
            ("Sources/a.h", "__attribute__((target_clones(\"avx\")))"),
            ("Sources/a.c", "__attribute__((ifunc(\"a\")))"),
        ]) func found(path: String, text: String)
    {
        let found = violations(in: SourceFile(path, "\n" + text))
        #expect(found.map(\.line) == [2])
    }

    @Test(
        "what only looks like one passes",
        arguments: [
            ("Tests/A.swift", "let a = \"\(BannedWord.later)\""),
            ("Tests/A.swift", "let a = try? b()  // not \(BannedWord.forced)"),
            ("Sources/Threads/System/Require.swift", "\(BannedWord.fatal)(a)"),
            ("Sources/ppthreads/A.swift", "print(a)"),
            ("Sources/Pipeline/A.swift", "fingerprint(a)"),
            ("Sources/a.c", "// There is no ifunc and no target_clones."),
        ]) func passed(path: String, text: String)
    {
        #expect(violations(in: SourceFile(path, text)).isEmpty)
    }
}
