// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("files are short") struct FileLengthTests {
    private func tooLong(_ file: SourceFile) -> Violation? {
        let count = file.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().count
        return count > 300 ? Violation(path: file.path, line: 301, message: "\(count) lines; 300 are allowed") : nil
    }

    @Test("no file has more than 300 lines") func tree() { expectNone(SourceTree.files.compactMap(tooLong)) }

    @Test("300 lines pass and 301 do not", arguments: ["A.swift", "a.py", "a.c"]) func limit(path: String) {
        let text = String(repeating: "\n", count: 300)
        #expect(tooLong(SourceFile(path, text)) == nil)
        #expect(tooLong(SourceFile(path, text + "\n"))?.description == "\(path):301: 301 lines; 300 are allowed")
    }
}
