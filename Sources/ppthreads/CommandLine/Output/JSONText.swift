// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// JSON as every command writes it: snake case keys in order, a number that is none as a string.
enum JSONText {
    /// - Parameter isForScript: in one line, for a page's own script instead of a person.
    static func encode(_ value: some Encodable, isForScript: Bool = false) throws(CommandError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = isForScript ? [.sortedKeys] : [.prettyPrinted, .sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do { return visible(String(decoding: try encoder.encode(value), as: UTF8.self)) } catch {
            throw CommandError(code: .failed, message: "the result could not be written as JSON: \(error)")
        }
    }

    /// The same JSON, with what is hidden in its strings as JSON's own escapes.
    private static func visible(_ json: String) -> String {
        if json.unicodeScalars.allSatisfy({ !$0.isHidden || $0 == "\n" }) { return json }
        return json.unicodeScalars.map { scalar in
            if !scalar.isHidden || scalar == "\n" { return String(scalar) }
            return String(scalar).utf16.map { unit in
                "\\u" + String(repeating: "0", count: 4 - String(unit, radix: 16).count) + String(unit, radix: 16)
            }.joined()
        }.joined()
    }
}

/// A key that is known only when the program runs.
struct TextKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
