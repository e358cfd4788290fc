// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("declarations are read by their lines") struct DeclarationTests {
    @Test(
        "a name has the labels of all its parameters, whatever their types",
        arguments: [
            ("func a() {", "a()"), ("func a<T>(_ b: T, c d: Int) {", "a(_:c:)"),
            ("init?(b: Int, c: Int) {", "init(b:c:)"),
            ("func a(b: Pair<Int, Int>, c: [Int: Int]) {", "a(b:c:)"),
            ("func a(b: (Int, Int) -> Int, c: Int) -> (d: Int, e: Int) {", "a(b:c:)"),
            ("func a(b: Int = f(1, 2), c: Int) {", "a(b:c:)"), ("static func == (a: A, b: A) -> Bool {", "=="),
            ("public struct A<B>: C {", "A"), ("private(set) var a: Int", "a"), ("class func a(b: Int) {", "a(b:)"),
            ("@available(*, noasync) func a() {", "a()"), ("subscript(a: Int) -> Int {", "subscript(a:)"),
        ]) func names(line: String, name: String)
    {
        #expect(Declaration(in: SourceText(line).lines, at: 0)?.name == name)
        let spread = line.replacing("(", with: "(\n    ").replacing(", ", with: ",\n    ")
        if !line.hasPrefix("@") && !line.hasPrefix("private") {
            #expect(Declaration(in: SourceText(spread).lines, at: 0)?.name == name)
        }
    }

    @Test("what declares nothing is no declaration", arguments: ["a.init(b)", "// func a()", "}", "functions(a)"])
    func none(line: String) {
        #expect(Declaration(in: SourceText(line).lines, at: 0) == nil)
    }
}
