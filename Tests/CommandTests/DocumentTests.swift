// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Every command of the documents, run. Sizes and steps are made small (`Data/documented.sh`), flags and names are the
/// documents' own.
@Suite("documents") struct DocumentTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Those with commands, from the repository's root.
    static let documents: [String] = {
        let docs = FileManager.default.enumerator(atPath: repository.appending(path: "docs").path)
        let names = (docs?.allObjects as? [String] ?? []).filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
        return (["README.md", "CONTRIBUTING.md"] + names.sorted()).filter { !((try? blocks($0)) ?? []).isEmpty }
    }()

    /// What stands between ```sh and ```.
    private static func blocks(_ document: String) throws -> [String] {
        let text = try String(contentsOf: repository.appending(path: document), encoding: .utf8)
        return text.matches(of: /\n```sh\n((?s:.*?))\n```/).map { String($0.1) }
    }

    @Test("each command of a document runs", .enabled(if: !Sanitizer.isOn), arguments: documents)
    func commands(document: String) throws {
        let folder = try Folder()
        let files = FileManager.default
        try files.createDirectory(atPath: folder.path("docs/results"), withIntermediateDirectories: true)
        for name in [
            "README.md", "CHANGELOG.md", "LICENSE", "Benchmarks", "Snippets", "Tests", ".ci", "Package.swift",
            "Containerfile",
        ] {
            try files.createSymbolicLink(
                atPath: folder.path(name), withDestinationPath: Self.repository.appending(path: name).path)
        }
        let stubs = Self.repository.appending(path: "Tests/CommandTests/Data/documented.sh").path
        for (index, block) in try Self.blocks(document).enumerated() {
            let script = try folder.file("block-\(index).sh", Array(block.utf8))
            let outcome = try folder.shell("exec /bin/bash \(stubs) \"$1\" \(script)", [])
            #expect(outcome.code == 0, "\(document):\n\(block)\n\(outcome.errors)")
        }
    }

    @Test("a command with a flag or a name that is not there is seen")
    func wrong() throws {
        let folder = try Folder()
        let stubs = Self.repository.appending(path: "Tests/CommandTests/Data/documented.sh").path
        for block in [
            "ppthreads run --mesure 3", "ppthreads schedule 1f2b", "ppthreads analyze nothing.csv",
            "ppthreads-bench rings", "ppthreads-bench ring --round 3", "swift run -c release ppthreads doctors",
            "swift run -c release NoSnippet", "python3 Benchmarks/nothing.py", "bash .ci/nothing",
            "ppthreads doctors\nppthreads doctor", "unheard-of",
        ] {
            let script = try folder.file("block.sh", Array(block.utf8))
            #expect(try folder.shell("exec /bin/bash \(stubs) \"$1\" \(script)", []).code != 0, "\(block)")
        }
    }
}
