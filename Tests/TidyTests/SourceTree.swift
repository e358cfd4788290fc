// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A file of the tree that is to be tidy.
struct SourceFile {
    /// From the package's folder on, as in `Sources/Threads/System/Clock.swift`.
    let path: String
    let text: String
    let source: SourceText

    init(_ path: String, _ text: String) {
        (self.path, self.text, source) = (path, text, SourceText(text))
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isPython: Bool { path.hasSuffix(".py") }
    /// A Python file is read as text alone: `#` is no comment in Swift.
    var lines: [SourceText.Line] {
        isPython
            ? text.split(separator: "\n", omittingEmptySubsequences: false).map { .init(code: String($0)) }
            : source.lines
    }

    func isIn(_ folder: String) -> Bool { path.hasPrefix(folder + "/") }
}

/// The package as it lies on the disk, whether git knows of it or not.
enum SourceTree {
    /// The modules, each of which may import those before it.
    static let modules = ["Threads", "SharedTensor", "Pipeline", "ppthreads"]
    static let libraries = modules.dropLast()

    static let files: [SourceFile] = ["Sources", "Tests", "Benchmarks"].flatMap {
        files(in: $0, [".swift", ".py", ".c", ".h"])
    }
    /// The pages of the libraries' DocC catalogs.
    static let pages = files(in: "Sources", [".md"])
    static let documents = files(in: "docs", [".md"])
    static let snippets = files(in: "Snippets", [".swift"])

    private static func files(in folder: String, _ endings: [String]) -> [SourceFile] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let all = FileManager.default.enumerator(
            at: root.appending(path: folder), includingPropertiesForKeys: nil, options: .skipsHiddenFiles)
        let paths = (all?.compactMap { ($0 as? URL)?.path } ?? []).sorted()
        return paths.filter { path in endings.contains(where: path.hasSuffix) }.compactMap {
            path in
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
            return SourceFile(String(path.dropFirst(root.path.count)).trimmingPrefix("/").description, text)
        }
    }
}

/// Where a rule is broken, and what to do.
struct Violation: CustomStringConvertible {
    let path: String
    /// From 1 on.
    let line: Int
    let message: String
    var description: String { "\(path):\(line): \(message)" }
}

/// Fails with the whole list, so that one run tells all.
func expectNone(_ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation) {
    guard !violations.isEmpty else { return }
    let list = violations.map { "\n\($0)" }.joined()
    Issue.record("\(violations.count) violations:\(list)", sourceLocation: sourceLocation)
}
