// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing
import ppthreads

/// The elements of a drawing, in their order, as a program that reads XML sees them.
final class Drawn: NSObject, XMLParserDelegate {
    struct Element {
        let name: String
        let attributes: [String: String]
        var text = ""

        /// What the style sheets know it by.
        var style: String { attributes["class"] ?? "" }

        /// A position across, in percent, or down, in pixels.
        subscript(_ name: String) -> Double {
            Double((attributes[name] ?? "").trimmingCharacters(in: ["%"])) ?? .nan
        }
    }

    private(set) var elements: [Element] = []
    private var open: [Int] = []

    /// Fails a test unless it is well-formed.
    init(xml: String) {
        super.init()
        let parser = XMLParser(data: Data(xml.utf8))
        parser.delegate = self
        #expect(parser.parse(), "no XML: \(xml.prefix(300))")
    }

    convenience init(_ markup: Markup) { self.init(xml: "<svg>\(markup.html)</svg>") }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String] = [:]
    ) {
        open.append(elements.count)
        elements.append(Element(name: name, attributes: attributes))
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        for index in open { elements[index].text += text }
    }

    /// Those of a kind, with all of these words among their classes.
    func all(_ name: String, _ styles: String...) -> [Element] {
        elements.filter { element in
            element.name == name
                && styles.allSatisfy { element.style.split(separator: " ").map(String.init).contains($0) }
        }
    }
}

/// Whether numbers are the same to the digits that a drawing has.
func areNear(_ values: [Double], _ expected: [Double]) -> Bool {
    values.count == expected.count && zip(values, expected).allSatisfy { abs($0 - $1) < 0.0011 }
}
