// SPDX-License-Identifier: Apache-2.0

/// Reads the records of a CSV (RFC 4180) one by one, where they lie: no field is copied.
///
/// Lines end with LF or CRLF; empty lines, and a byte order mark at the start, are passed over.
struct CSVScanner {
    /// Where a field lies, without the quotes around it.
    struct Field {
        var range: Range<Int>
        /// Whether it holds doubled quotes, each of which stands for one.
        var hasDoubledQuotes = false
    }

    /// The first `fieldsMost` fields of the record that was read last; their storage is used again for the next one.
    private(set) var fields: [Field] = []
    /// How many fields that record has.
    private(set) var fieldCount = 0
    /// A line of commas must not take hundreds of megabytes.
    static let fieldsMost = 4096
    /// Where that record begins; it reaches up to `position`, the end of its line included.
    private(set) var start = 0
    private(set) var position = 0
    /// Whether a field of it has no closing quote, and has taken in all the rest.
    private(set) var hasOpenQuote = false

    init(_ bytes: Span<UInt8>) {
        if bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF { position = 3 }
    }

    /// Moves on to the next record; false when there is none.
    mutating func next(in bytes: Span<UInt8>) -> Bool {
        while position < bytes.count && (bytes[position] == .lineFeed || bytes[position] == .carriageReturn) {
            position += 1
        }
        if position == bytes.count { return false }
        start = position
        fields.removeAll(keepingCapacity: true)
        fieldCount = 0
        repeat {
            let field = field(in: bytes)
            if fieldCount < Self.fieldsMost { fields.append(field) }
            fieldCount += 1
        } while goesOn(in: bytes)
        return true
    }

    private mutating func field(in bytes: Span<UInt8>) -> Field {
        if position < bytes.count && bytes[position] == .quote { return quotedField(in: bytes) }
        let start = position
        // A variable of its own, which stays in a register.
        var end = start
        while end < bytes.count && bytes[end] != .comma && bytes[end] != .lineFeed { end += 1 }
        position = end
        let endsWithReturn = end > start && bytes[end - 1] == .carriageReturn
        return Field(range: start..<(endsWithReturn ? end - 1 : end))
    }

    /// A field in quotes may hold commas and ends of lines. Whatever follows its closing quote is left out.
    private mutating func quotedField(in bytes: Span<UInt8>) -> Field {
        position += 1
        var field = Field(range: position..<position)
        while position < bytes.count {
            if bytes[position] == .quote {
                if position + 1 == bytes.count || bytes[position + 1] != .quote { break }
                field.hasDoubledQuotes = true
                position += 1
            }
            position += 1
        }
        field.range = field.range.lowerBound..<position
        if position == bytes.count { hasOpenQuote = true }
        while position < bytes.count && bytes[position] != .comma && bytes[position] != .lineFeed { position += 1 }
        return field
    }

    /// Whether a comma follows, rather than the record's end; passes it.
    private mutating func goesOn(in bytes: Span<UInt8>) -> Bool {
        guard position < bytes.count else { return false }
        defer { position += 1 }
        return bytes[position] == .comma
    }
}

extension CSVScanner.Field {
    func text(in bytes: Span<UInt8>) -> String {
        let text = Self.decoded(bytes.extracting(range))
        return hasDoubledQuotes ? text.replacing("\"\"", with: "\"") : text
    }

    /// Bytes that are no UTF-8 become replacement characters.
    private static func decoded(_ bytes: Span<UInt8>) -> String {
        do { return String(copying: try UTF8Span(validating: bytes)) } catch {
            return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }

    /// A finite number in decimal notation; nil when the field is anything else.
    func number(in bytes: Span<UInt8>) -> Double? {
        var digits: UInt64 = 0
        var (hasDigits, fraction, hasPoint) = (false, 0, false)
        let isNegative = !range.isEmpty && bytes[range.lowerBound] == UInt8(ascii: "-")
        for index in range.dropFirst(isNegative ? 1 : 0) {
            switch bytes[index] {
            case let digit where digit &- 48 < 10:
                if digits > Self.exactLimit / 10 { return slowNumber(in: bytes) }
                digits = digits * 10 + UInt64(digit &- 48)
                hasDigits = true
                if hasPoint { fraction += 1 }
            case UInt8(ascii: ".") where !hasPoint: hasPoint = true
            default: return slowNumber(in: bytes)
            }
        }
        // Both are exact in a Double, so that their quotient is the nearest one (Clinger 1990).
        guard hasDigits, digits <= Self.exactLimit, fraction < Self.powersOfTen.count else {
            return slowNumber(in: bytes)
        }
        let value = Double(digits) / Self.powersOfTen[fraction]
        return isNegative ? -value : value
    }

    private func slowNumber(in bytes: Span<UInt8>) -> Double? {
        guard range.allSatisfy({ Self.isDecimal(bytes[$0]) }), let value = Double(text(in: bytes)) else { return nil }
        return value.isFinite ? value : nil
    }

    private static let exactLimit: UInt64 = 1 << 53
    private static let powersOfTen = (0...22).map { (0..<$0).reduce(1.0) { power, _ in power * 10 } }

    private static func isDecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
}

extension UInt8 {
    fileprivate static let quote = UInt8(ascii: "\"")
    fileprivate static let comma = UInt8(ascii: ",")
    fileprivate static let lineFeed = UInt8(ascii: "\n")
    fileprivate static let carriageReturn = UInt8(ascii: "\r")
}
