// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text with what acts on a terminal, or cannot be seen, as escapes such as `\u{1B}` and `\n`: a name in a file must not
    /// move the cursor, colour the screen or turn the order of what is written. Nor may an SVG file hold most of it.
    package var visible: String { visible(but: []) }

    /// - Parameter kept: characters that stay as they are.
    package func visible(but kept: Set<Unicode.Scalar>) -> String {
        if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return self }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.isHidden && !kept.contains(scalar) {
                text += scalar.visibleEscape
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension Unicode.Scalar {
    /// Whether it is a control character, one that turns the order of a text or has no width, an end of a line, or no
    /// character. Those that join letters stay: some scripts need them.
    package var isHidden: Bool {
        if value < 0x7F { return value < 0x20 }
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: return true
        case .format: return self != "\u{200C}" && self != "\u{200D}"
        default: return value & 0xFFFE == 0xFFFE
        }
    }

    package var visibleEscape: String {
        switch self {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{\(String(value, radix: 16, uppercase: true))}"
        }
    }
}
