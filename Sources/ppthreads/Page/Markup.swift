// SPDX-License-Identifier: Apache-2.0

import Threads

/// A piece of HTML. Text becomes one only by being escaped, so that nothing a user typed can act as markup; every tag that
/// is opened is closed.
package struct Markup: ExpressibleByStringInterpolation, ExpressibleByArrayLiteral {
    package let html: String

    private init(html: String) { self.html = html }

    /// Text, as it is to be read.
    package init(_ text: String) { self.init(html: Self.escaped(text)) }
    package init(stringLiteral text: String) { self.init(text) }

    /// Pieces, one after the other.
    package init(_ pieces: [Markup]) { self.init(html: pieces.map(\.html).joined()) }
    package init(arrayLiteral pieces: Markup...) { self.init(pieces) }

    static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: Markup = []
    ) -> Markup {
        Markup(html: "<\(name)\(list(attributes))>\(content.html)</\(name)>")
    }

    /// An element that has no content and no end, such as `meta`.
    static func void(_ name: String, _ attributes: KeyValuePairs<String, String>) -> Markup {
        Markup(html: "<\(name)\(list(attributes))>")
    }

    /// A `style` or `script` element, which browsers do not unescape.
    /// - Parameter code: a part of this program, without `</`.
    static func code(_ name: String, _ code: StaticString) -> Markup {
        Markup(html: "<\(name)>\n\(code)\n</\(name)>\n")
    }

    /// A `style` element of rules that were put together, none of which may hold a `<`.
    static func style(_ rules: String) -> Markup {
        require(!rules.contains("<"), "a style that may end its element")
        return Markup(html: "<style>\n\(rules)\n</style>\n")
    }

    /// Data for the page's own script, which reads it by its id; nothing runs it.
    /// - Parameter json: in which `<` stands only within strings.
    static func data(_ id: String, json: String) -> Markup {
        let attributes = list(["type": "application/json", "id": id])
        return Markup(html: "<script\(attributes)>\(json.replacing("<", with: "\\u003c"))</script>\n")
    }

    /// The whole file.
    static func document(head: Markup, body: Markup) -> String {
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n\(head.html)</head>\n<body>\n\(body.html)</body>\n</html>\n"
    }

    private static func list(_ attributes: KeyValuePairs<String, String>) -> String {
        attributes.map { " \($0)=\"\(escaped($1))\"" }.joined()
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // XML has no way to write most of these.
            case _ where character.isHidden && character != "\n": result += character.visibleEscape
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
