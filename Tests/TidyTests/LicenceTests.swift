// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("every file says under which licence it is") struct LicenceTests {
    private static let words = "SPDX-License-Identifier: Apache-2.0"

    private func lacksLicence(_ file: SourceFile) -> Violation? {
        let mark = file.isPython ? "# " : "// "
        let first = file.text.split(separator: "\n").first { !$0.hasPrefix("#!") }
        if first == "\(mark)\(Self.words)" { return nil }
        return Violation(path: file.path, line: 1, message: "the first line is to be '\(mark)\(Self.words)'")
    }

    @Test("all files say so, in the first line") func tree() { expectNone(SourceTree.files.compactMap(lacksLicence)) }

    @Test("an interpreter's line may come before it, and nothing else") func rule() {
        let line = Self.words
        let sound = [
            ("a.c", "// \(line)\n\nint a;"), ("a.py", "# \(line)"),
            ("a.py", "#!/usr/bin/env python3\n# \(line)\nx = 1"),
        ]
        for (path, text) in sound { #expect(lacksLicence(SourceFile(path, text)) == nil, "\(text)") }
        let others = [
            ("A.swift", ""), ("A.swift", "import Testing\n// \(line)"), ("A.swift", "# \(line)"), ("a.py", "x = 1"),
            ("a.h", "// SPDX-License-Identifier: MIT"),
        ]
        for (path, text) in others { #expect(lacksLicence(SourceFile(path, text)) != nil, "\(text)") }
    }
}
