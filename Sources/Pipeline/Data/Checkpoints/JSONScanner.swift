// SPDX-License-Identifier: Apache-2.0

/// Reads JSON (RFC 8259) strictly, from its bytes, one part after the other: who calls says which part must come next.
///
/// For headers whose sense depends on what other readers drop without a word, such as a key that stands twice. It goes only
/// as deep as its caller's calls do.
struct JSONScanner {
    private let bytes: [UInt8]
    private var position = 0

    /// What is wrong, as the end of a sentence about the text.
    struct Failure: Error { let reason: String }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads an object, calling `member` at each value with its key.
    /// - Throws: `Failure` also when a key stands twice, however it is spelled.
    mutating func object(_ member: (inout Self, String) throws(Failure) -> Void) throws(Failure) {
        try expect("{")
        if take("}") { return }
        var keys: Set<String> = []
        repeat {
            let key = try string()
            if !keys.insert(key).inserted { throw Failure(reason: "the key \(key.shortened) stands twice") }
            try expect(":")
            try member(&self, key)
        } while take(",")
        try expect("}")
    }

    /// Reads an array, calling `element` at each of its elements.
    mutating func array(_ element: (inout Self) throws(Failure) -> Void) throws(Failure) {
        try expect("[")
        if take("]") { return }
        repeat { try element(&self) } while take(",")
        try expect("]")
    }

    /// Reads a whole number in the digits that JSON allows: no leading zero, no fraction, no exponent, no -0.
    mutating func integer() throws(Failure) -> Int {
        skipSpace()
        let start = position
        if position < bytes.count && bytes[position] == UInt8(ascii: "-") { position += 1 }
        let first = position
        while position < bytes.count && bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        let hasLeadingZero = position > first + 1 && bytes[first] == UInt8(ascii: "0")
        let goesOn = position < bytes.count && ".eE".utf8.contains(bytes[position])
        guard let value = Int(text), !hasLeadingZero, !goesOn, text != "-0" else {
            throw wanted("a whole number", at: start)
        }
        return value
    }

    mutating func string() throws(Failure) -> String {
        try expect("\"")
        let start = position
        var text: [UInt8] = []
        var plain = start
        while position < bytes.count && bytes[position] >= 0x20 {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                text += bytes[plain..<position]
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw wanted("a text in UTF-8", at: start)
                }
                return string
            case UInt8(ascii: "\\"):
                text += bytes[plain..<position]
                text += try escape()
                plain = position
            default: position += 1
            }
        }
        throw wanted("the end of the text that starts at byte \(start)", at: position)
    }

    /// Nothing but space may follow.
    mutating func end() throws(Failure) {
        skipSpace()
        if position < bytes.count { throw wanted("nothing more", at: position) }
    }

    mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
        if !take(character) { throw wanted("'\(character)'", at: position) }
    }

    /// Passes a character if it comes next, after any space.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// The character that a backslash and what follows it stand for, in UTF-8.
    private mutating func escape() throws(Failure) -> [UInt8] {
        let start = position
        position += 2
        guard position <= bytes.count else { throw wanted("a character", at: bytes.count) }
        switch bytes[position - 1] {
        case let byte where byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/"):
            return [byte]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "u"): return try unicodeEscape(start)
        default: throw wanted("an escape of JSON", at: start)
        }
    }

    /// The four digits after `\u`, or those of two such escapes that are a pair.
    private mutating func unicodeEscape(_ start: Int) throws(Failure) -> [UInt8] {
        var units = [try codeUnit(start)]
        if UTF16.isLeadSurrogate(units[0]), position + 2 <= bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        {
            position += 2
            units.append(try codeUnit(start))
        }
        guard let text = String(validating: units, as: UTF16.self) else {
            throw wanted("a pair of surrogates", at: start)
        }
        return Array(text.utf8)
    }

    private mutating func codeUnit(_ start: Int) throws(Failure) -> UInt16 {
        guard position + 4 <= bytes.count else { throw wanted("four hexadecimal digits", at: start) }
        var unit: UInt16 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw wanted("four hexadecimal digits", at: start)
            }
            unit = unit << 4 | UInt16(digit)
        }
        position += 4
        return unit
    }

    private func wanted(_ what: String, at position: Int) -> Failure {
        Failure(reason: "at byte \(position), \(what) should stand")
    }
}

extension String {
    /// As a message quotes it: a name from a file may be as long as the file.
    var shortened: String { utf8.count > 120 ? "\(String(unicodeScalars.prefix(100)))..." : self }
}
