// SPDX-License-Identifier: Apache-2.0

/// A file's lines, with code and comments apart. What string and regex literals say is in neither: a test may spell out what
/// code must not hold. Code within an interpolation is code.
///
/// Reads Swift as `swift format` leaves it, and C.
struct SourceText {
    struct Line {
        var code = ""
        /// With the slashes that start it.
        var comment = ""
        /// How many braces are open where the line starts.
        var depth = 0

        var isDocstring: Bool { comment.hasPrefix("///") && isBare }
        /// Whether there is no code on it.
        var isBare: Bool { code.allSatisfy(\.isWhitespace) }
    }

    let lines: [Line]

    init(_ text: String) {
        var scanner = SourceScanner(text)
        scanner.scanCode()
        lines = scanner.lines
    }
}

private struct SourceScanner {
    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0
    private var code: [UInt8] = []
    private var comment: [UInt8] = []
    private var depthOfLine = 0
    private(set) var lines: [SourceText.Line] = []

    init(_ text: String) { bytes = Array(text.utf8) + [UInt8(ascii: "\n")] }

    private func isNext(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { unsafe bytes[index...].starts(with: $0) }
    }

    private mutating func endLine() {
        lines.append(.init(code: text(code), comment: text(comment), depth: depthOfLine))
        (code, comment, depthOfLine) = ([], [], depth)
        index += 1
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Takes code up to the end of the text, or behind the parenthesis that closes an interpolation.
    mutating func scanCode(ofInterpolation isInterpolation: Bool = false) {
        var parentheses = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\n"): endLine()
            case _ where isNext("//"): scanComment()
            case _ where isNext("/*"): scanBlockComment()
            case UInt8(ascii: "\""): scanString(pounds: 0)
            case UInt8(ascii: "#") where poundsOfString > 0: scanString(pounds: poundsOfString)
            case UInt8(ascii: "'"): scanLiteral(until: UInt8(ascii: "'"))
            case UInt8(ascii: "/") where startsRegex: scanLiteral(until: UInt8(ascii: "/"))
            case let byte:
                if byte == UInt8(ascii: "{") { depth += 1 }
                if byte == UInt8(ascii: "}") { depth -= 1 }
                if byte == UInt8(ascii: "(") { parentheses += 1 }
                if byte == UInt8(ascii: ")") { parentheses -= 1 }
                code.append(byte)
                index += 1
                if isInterpolation && parentheses == 0 { return }
            }
        }
    }

    private mutating func scanComment() {
        while bytes[index] != UInt8(ascii: "\n") {
            comment.append(bytes[index])
            index += 1
        }
    }

    private mutating func scanBlockComment() {
        while index < bytes.count && !isNext("*/") {
            if bytes[index] == UInt8(ascii: "\n") {
                endLine()
            } else {
                comment.append(bytes[index])
                index += 1
            }
        }
        index += 2
    }

    /// The pound signs before a raw string that starts here; none if none does.
    private var poundsOfString: Int {
        let pounds = bytes[index...].prefix { $0 == UInt8(ascii: "#") }.count
        return bytes[(index + pounds)...].first == UInt8(ascii: "\"") ? pounds : 0
    }

    /// A division has spaces on both sides.
    private var startsRegex: Bool {
        guard let before = code.last, " (".utf8.contains(before) else { return false }
        return !" =),\n".utf8.contains(bytes[index + 1])
    }

    /// Skips a regex or a character, on one line.
    private mutating func scanLiteral(until quote: UInt8) {
        code += [quote, quote]
        index += 1
        while bytes[index] != quote && bytes[index] != UInt8(ascii: "\n") {
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        if bytes[index] == quote { index += 1 }
    }

    private mutating func scanString(pounds: Int) {
        let rest = Array(repeating: UInt8(ascii: "#"), count: pounds)
        index += pounds
        let quote = Array(repeating: UInt8(ascii: "\""), count: isNext("\"\"\"") ? 3 : 1)
        let (closing, escape) = (quote + rest, [UInt8(ascii: "\\")] + rest)
        index += quote.count
        code += Array("\"\"".utf8)
        while index < bytes.count && !bytes[index...].starts(with: closing) {
            if bytes[index...].starts(with: escape) {
                index += escape.count
                if isNext("(") { scanCode(ofInterpolation: true) } else if !isNext("\n") { index += 1 }
            } else if bytes[index] == UInt8(ascii: "\n") {
                endLine()
            } else {
                index += 1
            }
        }
        index += closing.count
    }
}
