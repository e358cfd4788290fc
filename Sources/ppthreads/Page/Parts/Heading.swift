// SPDX-License-Identifier: Apache-2.0

/// A heading in a chart, which SVG does not wrap: in as many lines as a narrow page needs.
struct Heading {
    private let lines: [String]

    private static let columns = 45
    private static let lineHeight = 16.0

    /// - Parameter text: parts with commas between them.
    init(_ text: String) { lines = text.lines(between: ", ", columns: Self.columns) }

    /// Pixels that it takes beyond those of one line.
    var more: Double { Double(lines.count - 1) * Self.lineHeight }

    /// - Parameter bottom: the last line's.
    func drawing(bottom: Double) -> Markup {
        Markup(
            lines.enumerated().map { index, line in
                .label("name halo", x: "0", y: bottom - more + Double(index) * Self.lineHeight, Markup(line))
            })
    }
}

extension String {
    /// Lines of at most so many characters, where its parts allow; a line ends before a blank that separates two of them.
    func lines(between separator: String, columns: Int) -> [String] {
        let parts = split(separator: separator).map(String.init)
        return parts.enumerated().reduce(into: [String]()) { lines, part in
            let text = part.offset < parts.count - 1 ? part.element + separator.trimmedRight : part.element
            if let last = lines.last, last.count + text.count < columns {
                lines[lines.count - 1] = "\(last) \(text)"
            } else {
                lines.append(text)
            }
        }
    }
}
