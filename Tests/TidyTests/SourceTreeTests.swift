// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("what the rules read") struct SourceTreeTests {
    @Test("the tree has files of every module, of tests and of benchmarks") func files() {
        for folder in SourceTree.modules.map({ "Sources/\($0)" }) + ["Tests/TidyTests", "Benchmarks/ppthreads-bench"] {
            #expect(SourceTree.files.contains { $0.isIn(folder) && $0.isSwift }, "\(folder)")
        }
        #expect(SourceTree.files.contains { $0.path.hasSuffix(".c") })
        #expect(SourceTree.files.contains { $0.isPython })
    }

    @Test(
        "literals are in neither code nor comments",
        arguments: [
            ("a(\"no // no\")  // yes", "a(\"\")  ", "// yes"),
            ("a(\"no \\\" no\") + b", "a(\"\") + b", ""),
            ("a(#\"no \" no\"#) + b", "a(\"\") + b", ""),
            ("a(\"no \\(b(c(\"no\"))) no\")", "a(\"\"(b(c(\"\"))))", ""),
            ("a(/no \"no/) / b  // \"yes\"", "a(//) / b  ", "// \"yes\""),
            ("a(/no\\/no\"/) + b", "a(//) + b", ""),
            ("a('\"') + '\\'' + b", "a('') + '' + b", ""),
            ("a /* yes */ + b", "a  + b", "/* yes "),
        ]) func literals(text: String, code: String, comment: String)
    {
        let line = SourceText(text).lines[0]
        #expect(line.code == code)
        #expect(line.comment == comment)
    }

    @Test("a string of several lines leaves their numbers as they are") func numbers() {
        let lines = SourceText("a\n\"\"\"\n// no {\n\"\"\"\n{ b\nc").lines
        #expect(lines.map(\.code) == ["a", "\"\"", "", "", "{ b", "c"])
        #expect(lines.map(\.depth) == [0, 0, 0, 0, 0, 1])
    }

    /// A string that never ends, as this reader sees it, would swallow what is to be checked.
    @Test("braces match in every Swift file of the tree") func braces() {
        let open = SourceTree.files.filter { $0.isSwift && $0.lines.last?.depth != 0 }
        #expect(open.map(\.path).isEmpty)
    }
}
