/// Points in time as results CSVs write them.
enum Timestamp {
    /// Seconds, from a number of seconds or from a date and time of day as in ISO 8601; minus infinity for anything else.
    static func seconds(_ field: CSVScanner.Field, in bytes: Span<UInt8>) -> Double {
        if let number = field.number(in: bytes) { return number }
        var parts: [Double] = []
        var (index, end) = (field.range.lowerBound, field.range.upperBound)
        let separators = Array("--T::".utf8)
        while parts.count < 6, let value = digits(&index, end, in: bytes) {
            parts.append(Double(value))
            guard index < end, parts.count <= separators.count else { break }
            let separator = bytes[index]
            if separator != separators[parts.count - 1] && !(parts.count == 3 && separator == 32) { break }
            index += 1
        }
        guard parts.count >= 3 else { return -.infinity }
        parts += Array(repeating: 0, count: 6 - parts.count)
        let day = days(Int(parts[0]), Int(parts[1]), Int(parts[2]))
        let ofDay = parts[3] * 3600 + parts[4] * 60 + parts[5] + fraction(&index, end, in: bytes)
        return Double(day) * 86400 + ofDay - zone(&index, end, in: bytes)
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

    /// Days since the first of March of year 0, in the Gregorian calendar.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let (year, month) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
        return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day
    }
}
