// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("dependencies go one way") struct DirectionTests {
    /// A module's folder: `System` for `Sources/Threads/System/Clock.swift`.
    private func folder(_ file: SourceFile) -> String? {
        let parts = file.path.split(separator: "/")
        return parts.count > 3 ? String(parts[2]) : nil
    }

    private func graph(_ files: [SourceFile]) -> FolderGraph { FolderGraph(files, folder: folder) }

    private func wrongImports(_ file: SourceFile) -> [Violation] {
        let parts = file.path.split(separator: "/").map(String.init)
        guard parts.count > 1, parts[0] == "Sources", let own = SourceTree.modules.firstIndex(of: parts[1]) else {
            return []
        }
        let allowed = SourceTree.modules[..<own]
        return file.lines.indices.compactMap { index in
            let words = file.lines[index].code.split(separator: " ").map(String.init)
            guard words.contains("import"), let name = words.last, SourceTree.modules.contains(name),
                !allowed.contains(name)
            else { return nil }
            return Violation(path: file.path, line: index + 1, message: "\(parts[1]) does not import \(name)")
        }
    }

    @Test("modules import those below them only") func imports() {
        expectNone(SourceTree.files.filter(\.isSwift).flatMap(wrongImports))
    }

    @Test("no folder of a module is part of a cycle", arguments: SourceTree.modules) func folders(module: String) {
        let graph = graph(SourceTree.files.filter { $0.isSwift && $0.isIn("Sources/\(module)") })
        #expect(!graph.uses.isEmpty, "no folder uses another")
        for cycle in graph.cycles {
            Issue.record("a cycle of folders in \(module):\(cycle.map { "\n\($0)" }.joined())")
        }
    }

    @Test("an import upwards is found, one downwards passes") func importRule() {
        func lines(_ path: String, _ text: String) -> [Int] { wrongImports(SourceFile(path, text)).map(\.line) }
        #expect(lines("Sources/Threads/A/A.swift", "import Glibc\nimport Pipeline") == [2])
        #expect(lines("Sources/SharedTensor/A/A.swift", "@testable import ppthreads") == [1])
        #expect(lines("Sources/Pipeline/A/A.swift", "import SharedTensor\npublic import Threads").isEmpty)
        #expect(lines("Tests/A/A.swift", "import Pipeline").isEmpty)
    }

    /// Files of a made-up module: each folder's text.
    private func cycles(_ texts: [String: String]) -> [[String]] {
        graph(texts.sorted { $0.key < $1.key }.map { SourceFile("Sources/M/\($0.key)/File.swift", $0.value) }).cycles
            .map { $0.map { "\($0.folder)-\($0.type)-\($0.used)" } }
    }

    @Test("a cycle of two folders is found, with the types that make it") func two() {
        let found = cycles([
            "A": "struct InA { let b: InB }", "B": "extension [InA] {}\nenum InB {}", "C": "func c(_ a: InA)",
        ])
        #expect(found == [["A-InB-B", "B-InA-A"]])
    }

    @Test("a cycle of three folders is found once") func three() {
        let found = cycles(["A": "class InA: InB {}", "B": "class InB: InC {}", "C": "class InC { var a: InA.Nested }"])
        #expect(found == [["A-InB-B", "B-InC-C", "C-InA-A"]])
    }

    @Test("one way, a member's name and a comment make no cycle") func none() {
        #expect(cycles(["A": "struct InA {}", "B": "struct InB { let a: InA }"]).isEmpty)
        let members = "struct InA {}\n// InB\nlet c = C.InB\nlet d: C = .InB"
        #expect(cycles(["A": members, "B": "struct InB { let a: InA }"]).isEmpty)
    }

    @Test("nested types, and names that two folders declare, make no cycle") func ambiguous() {
        // Several, since a set's order changes from run to run.
        let names = (0..<8).map { "Both\($0)" }
        let types = names.map { "enum \($0) {}" }.joined(separator: "\n")
        let uses = names.map { "let a: \($0)" }.joined(separator: "\n")
        let nested = "struct InB {\n    enum Nested {}\n    let a: InA\n    \(types.replacing("\n", with: "\n    "))\n}"
        #expect(cycles(["A": "struct InA {}\n\(types)\n\(uses)\nlet b: Nested", "B": nested]).isEmpty)
    }
}
