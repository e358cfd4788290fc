// SPDX-License-Identifier: Apache-2.0

/// A declaration as it stands on a line.
struct Declaration {
    let keyword: String
    /// With a function's labels, as in `read(_:from:)`; an operator's own has none.
    let name: String
    let isPublic: Bool

    private static let keywords: Set = [
        "func", "var", "let", "init", "subscript", "struct", "class", "enum", "protocol", "actor", "typealias",
    ]
    private static let types: Set = ["struct", "class", "enum", "protocol", "actor", "typealias"]

    var isType: Bool { Self.types.contains(keyword) }

    /// What is declared on the line with this index, if anything.
    init?(in lines: [SourceText.Line], at index: Int) {
        let words = Self.withoutAttributes(lines[index].code).split { " (<:?{=".contains($0) }.map(String.init)
        let before = words.prefix { !Self.keywords.contains($0) || $0 == "class" && words.contains("func") }
        // What comes before are modifiers: `public internal(set) static`.
        guard let keyword = words.dropFirst(before.count).first, before.allSatisfy(Self.isModifier) else { return nil }
        self.keyword = keyword
        isPublic = before.contains("public")
        let code = lines[index...].prefix(20).map(\.code).joined(separator: " ")
        guard let start = code.firstRange(of: keyword)?.upperBound else { return nil }
        name = Self.name(keyword, code[start...].drop { $0 == " " })
    }

    private static func isModifier(_ word: String) -> Bool {
        word.allSatisfy { $0.isLetter || $0 == ")" }
    }

    private static func withoutAttributes(_ code: String) -> Substring {
        var rest = code.drop { $0 == " " }
        while rest.first == "@" {
            rest = rest.drop { $0 != " " && $0 != "(" }
            if rest.first == "(" { rest = rest.drop { $0 != ")" }.dropFirst() }
            rest = rest.drop { $0 == " " }
        }
        return rest
    }

    private static func name(_ keyword: String, _ rest: Substring) -> String {
        guard ["func", "init", "subscript"].contains(keyword) else {
            return String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
        }
        let ownName = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        if keyword == "func" && ownName.isEmpty { return String(rest.prefix { !" (".contains($0) }) }
        return (keyword == "func" ? String(ownName) : keyword) + "(\(labels(rest.drop { $0 != "(" }.dropFirst())))"
    }

    /// Of the parameters up to the parenthesis that closes them.
    private static func labels(_ parameters: Substring) -> String {
        var (depth, isAtStart, labels) = (0, true, "")
        for word in parameters.split(separator: " ", omittingEmptySubsequences: true) {
            if isAtStart, depth == 0, word.first != ")" {
                labels += word.prefix { $0.isLetter || $0.isNumber || $0 == "_" } + ":"
            }
            for character in word {
                if "([<{".contains(character) { depth += 1 }
                if ")]}".contains(character) { depth -= 1 }
                if depth < 0 { return labels }
            }
            // An arrow's head closes nothing.
            if !word.hasPrefix("->") { depth -= word.count { $0 == ">" } }
            isAtStart = depth == 0 && word.last == ","
        }
        return labels
    }
}
