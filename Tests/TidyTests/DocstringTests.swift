// SPDX-License-Identifier: Apache-2.0

import Testing

/// What each file declares for others, and whether it says what that is.
private struct Docstrings {
    let files: [SourceFile]
    /// Members that say no more than their protocol's docstrings: the libraries' own, and the standard library's.
    private let requirements: Set<String>

    init(_ files: [SourceFile]) {
        self.files = files
        requirements = Set(files.flatMap { Self.requirements(of: $0).map(\.declaration.name) })
            .union(["description", "==", "<", "hash(into:)", "encode(to:)", "init(from:)"])
    }

    /// What the file's public protocols ask for.
    private static func requirements(of file: SourceFile) -> [(index: Int, declaration: Declaration)] {
        var depthOfProtocol: Int?
        return file.lines.indices.compactMap { index in
            let depth = file.lines[index].depth
            // What follows it at its depth ends a protocol: its own brace, or an extension.
            if let outer = depthOfProtocol, depth <= outer, !file.lines[index].code.isEmpty { depthOfProtocol = nil }
            guard let declaration = Declaration(in: file.lines, at: index) else { return nil }
            if declaration.keyword == "protocol" && declaration.isPublic { depthOfProtocol = depth }
            return depth - 1 == depthOfProtocol ? (index, declaration) : nil
        }
    }

    private static func publicNames(of file: SourceFile) -> [(index: Int, declaration: Declaration)] {
        file.lines.indices.compactMap { index in
            guard let declaration = Declaration(in: file.lines, at: index), declaration.isPublic else { return nil }
            return (index, declaration)
        }
    }

    var violations: [Violation] {
        files.flatMap { file in
            let names = Self.publicNames(of: file).filter { !requirements.contains($0.declaration.name) }
            return (names + Self.requirements(of: file)).filter { !Self.hasDocstring(file.lines, above: $0.index) }.map
            {
                Violation(
                    path: file.path, line: $0.index + 1,
                    message: "\($0.declaration.keyword) \($0.declaration.name) has no docstring")
            }
        }
    }

    /// Attributes, and comments that are not for the reader of the interface, may come between.
    private static func hasDocstring(_ lines: [SourceText.Line], above index: Int) -> Bool {
        let above = lines[..<index].last { line in
            let isAttribute = line.code.drop { $0 == " " }.hasPrefix("@")
            return !isAttribute && (line.isDocstring || !line.isBare || line.comment.isEmpty)
        }
        return above?.isDocstring ?? false
    }
}

@Suite("libraries explain themselves") struct DocstringTests {
    private func undocumented(_ text: String) -> [Int] {
        Docstrings([SourceFile("A.swift", text)]).violations.map(\.line)
    }

    @Test("every public name of a library has a docstring") func tree() {
        expectNone(
            Docstrings(
                SourceTree.files.filter { file in
                    file.isSwift && SourceTree.libraries.contains { file.isIn("Sources/\($0)") }
                }
            ).violations)
    }

    @Test(
        "a public name without one is found, whatever it is",
        arguments: [
            "public func a() {}", "public static let a = 1", "public internal(set) var a: Int",
            "public init(_ a: Int) {}",
            "public struct A {", "public final class A {", "public indirect enum A {", "public typealias A = B",
            "@inline(__always) public func a<T>(_ b: T) {", "public static func + (a: A, b: A) -> A {",
            "    public subscript(a: Int) -> Int {", "public nonisolated(unsafe) var a: Int",
        ]) func found(declaration: String)
    {
        #expect(undocumented("\n" + declaration) == [2])
        #expect(undocumented("// No docstring.\n" + declaration) == [2])
        #expect(undocumented("/// Of something else.\nlet b = 1\n" + declaration) == [3])
        #expect(undocumented("/// Of something else.\n\n" + declaration) == [3])
        #expect(undocumented("/// What it is.\n" + declaration).isEmpty)
        #expect(undocumented("/// What it is.\n@inlinable\n// For us.\n@inline(__always)\n" + declaration).isEmpty)
    }

    @Test(
        "what is not public goes without",
        arguments: ["func a() {}", "package func a() {}", "private let a = 1", "a(public: 1)", "// public func a()"])
    func notPublic(line: String) {
        #expect(undocumented(line).isEmpty)
    }

    @Test("a member goes without where its protocol's requirement has one") func requirements() {
        let proto = "/// A.\npublic protocol A {\n    /// B.\n    func b(_ c: [Int: Int], d: (Int) -> Int)\n}\n"
        #expect(undocumented(proto).isEmpty)
        #expect(undocumented(proto + "public func b(_ e: [Int: Int], d: (Int) -> Int) {}").isEmpty)
        #expect(undocumented(proto + "public func b(\n    _ e: [Int: Int],\n    d: (Int) -> Int\n) {}").isEmpty)
        #expect(undocumented(proto + "public func b(_ e: Int) {}") == [6])
        #expect(undocumented("/// A.\npublic protocol A {\n    func b()\n}\n") == [3])
    }
}
