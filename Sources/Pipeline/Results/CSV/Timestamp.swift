// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Points in time as results CSVs write them.
enum Timestamp {
    /// Seconds since 1970, from a number of them or from a date and time of day as in ISO 8601; minus infinity for anything
    /// else. What is too large for a date or a day goes on in the next: the 32nd of May is the first of June.
    static func seconds(_ field: CSVScanner.Field, in bytes: Span<UInt8>) -> Double {
        if let number = field.number(in: bytes) { return number }
        var parts: [Int] = []
        var (index, end) = (field.range.lowerBound, field.range.upperBound)
        let separators = Array("--T::".utf8)
        while parts.count < 6, let value = digits(&index, end, in: bytes) {
            parts.append(value)
            guard index < end, parts.count <= separators.count else { break }
            let separator = bytes[index]
            if separator != separators[parts.count - 1] && !(parts.count == 3 && separator == 32) { break }
            index += 1
        }
        guard parts.count >= 3 else { return -.infinity }
        parts += Array(repeating: 0, count: 6 - parts.count)
        let month = (parts[0] - 1970) * 12 + parts[1] - 1
        let start = startsOfMonths.indices.contains(month) ? startsOfMonths[month] : start(ofMonth: month)
        let seconds = start + (parts[2] - 1) * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5]
        return Double(seconds) + fraction(&index, end, in: bytes) - zone(&index, end, in: bytes)
    }

    private static func digits(_ index: inout Int, _ end: Int, in bytes: Span<UInt8>) -> Int? {
        let start = index
        var value = 0
        while index < end && index - start < 4, bytes[index] &- 48 < 10 {
            value = value * 10 + Int(bytes[index] &- 48)
            index += 1
        }
        return index > start ? value : nil
    }

    private static func fraction(_ index: inout Int, _ end: Int, in bytes: Span<UInt8>) -> Double {
        guard index < end, bytes[index] == UInt8(ascii: ".") else { return 0 }
        index += 1
        var (value, unit) = (0.0, 0.1)
        while index < end, bytes[index] &- 48 < 10 {
            value += Double(bytes[index] &- 48) * unit
            unit /= 10
            index += 1
        }
        return value
    }

    /// What the clock is ahead of UTC. Without a zone, the time is taken as UTC.
    private static func zone(_ index: inout Int, _ end: Int, in bytes: Span<UInt8>) -> Double {
        guard index < end, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") else { return 0 }
        let sign = bytes[index] == UInt8(ascii: "-") ? -1.0 : 1.0
        let digits = (index + 1..<end).filter { bytes[$0] &- 48 < 10 }.prefix(4).map { Double(bytes[$0] &- 48) }
        guard digits.count == 4 else { return 0 }
        return sign * ((digits[0] * 10 + digits[1]) * 3600 + (digits[2] * 10 + digits[3]) * 60)
    }

    /// Of 1970 to 2099. A table, since the system takes a tenth of a microsecond for each, which a million rows would show.
    private static let startsOfMonths = (0..<130 * 12).map(start(ofMonth:))

    /// Seconds from the start of 1970 to that of a month, which is counted from there too.
    private static func start(ofMonth month: Int) -> Int {
        var date = unsafe tm()
        unsafe (date.tm_year, date.tm_mon, date.tm_mday) = (70, Int32(month), 1)
        return unsafe timegm(&date)
    }
}
