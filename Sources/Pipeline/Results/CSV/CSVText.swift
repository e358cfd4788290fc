// SPDX-License-Identifier: Apache-2.0

/// Writing CSV files (RFC 4180), and reading those that are held in memory.
public enum CSVText {
    /// A row without the end of its line. Ends of lines in values become spaces.
    public static func line(_ values: [String]) -> String {
        values.map { value in
            field(value.contains(where: \.isNewline) ? String(value.map { $0.isNewline ? " " : $0 }) : value)
        }.joined(separator: ",")
    }

    /// A value, in quotes where it has to be.
    public static func field(_ value: String) -> String {
        value.utf8.contains(where: isSpecial) ? "\"\(value.replacing("\"", with: "\"\""))\"" : value
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r"): true
        default: false
        }
    }

    /// A record, and where it lies.
    public struct Record {
        /// As many as `CSVScanner` keeps.
        public let values: [String]
        /// How many there are.
        public let count: Int
        /// Its bytes, with the end of its line when it has one.
        public let range: Range<Int>
        /// Whether a field of it has no closing quote, and has taken in all the rest.
        public let hasOpenQuote: Bool
    }

    /// All records, as `analyze` reads them: lines end with LF or CRLF; empty ones, and a byte order mark, are passed over.
    public static func records(_ bytes: [UInt8]) -> [Record] {
        let bytes = bytes.span
        var (scanner, records) = (CSVScanner(bytes), [Record]())
        while scanner.next(in: bytes) {
            records.append(
                Record(
                    values: scanner.fields.map { $0.text(in: bytes) }, count: scanner.fieldCount,
                    range: scanner.start..<scanner.position,
                    hasOpenQuote: scanner.hasOpenQuote))
        }
        return records
    }

    /// What is wrong with a file whose header is not the one that is wanted, when it was saved in another way: its encoding,
    /// its ends of lines or its separator; nil when it is something else.
    /// - Parameter header: the bytes of its first record.
    public static func otherForm(header: Span<UInt8>) -> String? {
        var counts = Array(repeating: 0, count: 256)
        var (isQuoted, hasReturns) = (false, false)
        for index in header.indices {
            let byte = header[index]
            counts[Int(byte)] += 1
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            let isReturn = byte == UInt8(ascii: "\r") && !isQuoted && index + 1 < header.count
            if isReturn && header[index + 1] != UInt8(ascii: "\n") { hasReturns = true }
        }
        if counts[0] > 0 { return "is UTF-16 text, or no text at all; a results CSV is UTF-8" }
        if hasReturns { return "has lines that end with CR alone; those of a results CSV end with LF or CRLF" }
        let others = [(UInt8(ascii: ";"), "';'"), (UInt8(ascii: "\t"), "tabs"), (UInt8(ascii: "|"), "'|'")]
        let other = others.first { counts[Int($0.0)] > counts[Int(UInt8(ascii: ","))] }
        return other.map { "has \($0.1) between its values; a results CSV has ',' there, and '.' in its numbers" }
    }
}
