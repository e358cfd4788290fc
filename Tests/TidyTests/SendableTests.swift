// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("what the compiler cannot check is argued for") struct SendableTests {
    private func violations(in file: SourceFile) -> [Violation] {
        file.lines.indices.filter { index in
            file.lines[index].code.contains("@unchecked Sendable")
                && !file.lines[max(0, index - 5)...index].contains { $0.comment.contains("Sound: ") }
        }.map {
            Violation(
                path: file.path, line: $0 + 1, message: "@unchecked Sendable without a comment \"Sound: ...\" above")
        }
    }

    @Test("each @unchecked Sendable says why it is sound") func tree() {
        expectNone(SourceTree.files.filter(\.isSwift).flatMap(violations))
    }

    @Test("one without a reason is found, one with its reason above passes") func rule() {
        let line = "final class A: @unchecked Sendable {}"
        #expect(violations(in: SourceFile("A.swift", "// Fine.\n" + line)).map(\.line) == [2])
        #expect(violations(in: SourceFile("A.swift", "// Sound: one thread has it.\n@safe\n" + line)).isEmpty)
        let far = "// Sound: one thread has it.\n" + String(repeating: "\n", count: 5) + line
        #expect(violations(in: SourceFile("A.swift", far)).map(\.line) == [7])
    }
}
