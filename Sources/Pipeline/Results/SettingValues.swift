// SPDX-License-Identifier: Apache-2.0

/// Values of settings, each kept once and known by a number, so that a run's settings are a short list of numbers.
struct SettingValues {
    typealias Number = UInt32

    private(set) var texts = [""]
    /// The value of each text that is a number; NaN for the others.
    private(set) var numbers = [Double.nan]
    private var known: [String: Number] = ["": 0]
    /// Fields of each setting that were read, with their numbers: most rows have values of few. Where a field is kept follows from
    /// its bytes, and the newest one keeps it.
    private var recent = Array(
        repeating: (field: CSVScanner.Field?.none, number: Number(0)), count: RunSetting.allCases.count * recentCount)
    private static let recentCount = 32
    /// Of each setting's column, what is asked for a million times: nothing in it is counted when it is copied.
    private static let rules = RunSetting.allCases.map {
        (values: $0.column.values, isRequired: $0.column.isRequired)
    }

    /// The number of a setting's value; nil when it is no value of that setting.
    mutating func number(of setting: RunSetting, _ field: CSVScanner.Field, in bytes: Span<UInt8>) -> Number? {
        let index = setting.index * Self.recentCount + Self.hash(field, in: bytes) % Self.recentCount
        if let before = recent[index].field, Self.areEqual(before, field, in: bytes) { return recent[index].number }
        guard let text = Self.normal(field, setting, in: bytes) else { return nil }
        let number = number(of: text)
        recent[index] = (field, number)
        return number
    }

    private static func hash(_ field: CSVScanner.Field, in bytes: Span<UInt8>) -> Int {
        guard let first = field.range.first, let last = field.range.last else { return 0 }
        return field.range.count &* 7 &+ Int(bytes[first]) &* 3 &+ Int(bytes[last])
    }

    private mutating func number(of text: String) -> Number {
        if let number = known[text] { return number }
        let number = Number(texts.count)
        known[text] = number
        texts.append(text)
        numbers.append(Double(text).flatMap { $0.isFinite ? $0 : nil } ?? .nan)
        return number
    }

    /// Counts without needless zeros (4.0 is 4), other numbers as Swift writes them (3e-4 is 0.0003), names in lower case;
    /// paths and machines as they are.
    private static func normal(_ field: CSVScanner.Field, _ setting: RunSetting, in bytes: Span<UInt8>) -> String? {
        let rule = rules[setting.index]
        if field.range.isEmpty { return rule.isRequired ? nil : "" }
        if field.range.count > ResultValues.nameBytesMost { return nil }
        switch rule.values {
        case .text: return field.text(in: bytes)
        case .name, .unread: return field.text(in: bytes).lowercased()
        case .seed:
            return field.text(in: bytes).canonicalNumber.flatMap(Int.init).flatMap { $0 >= 0 ? String($0) : nil }
        case .count(let least):
            guard let value = field.number(in: bytes), let count = Int(exactly: value) else { return nil }
            return (least...ResultValues.countMost).contains(count) ? String(count) : nil
        case .fromZero: return number(field, in: bytes) { $0 >= 0 }
        case .probability: return number(field, in: bytes) { (0..<1).contains($0) }
        case .within(let range): return number(field, in: bytes, range.contains)
        }
    }

    private static func number(
        _ field: CSVScanner.Field, in bytes: Span<UInt8>, _ isAllowed: (Double) -> Bool
    ) -> String? {
        guard let value = field.number(in: bytes), isAllowed(value) else { return nil }
        return String(value == 0 ? 0 : value)
    }

    private static func areEqual(_ a: CSVScanner.Field, _ b: CSVScanner.Field, in bytes: Span<UInt8>) -> Bool {
        if a.range.count != b.range.count { return false }
        for offset in 0..<a.range.count where bytes[a.range.lowerBound + offset] != bytes[b.range.lowerBound + offset] {
            return false
        }
        return true
    }

    /// Puts values in their order and returns the new number of each: numbers first and by size, then known schedules in the
    /// order of their invention, then other texts by their letters.
    mutating func sort() -> [Number] {
        let schedules = ScheduleKind.allCases.map(\.rawValue)
        let orders = texts.enumerated().map { number, text in
            numbers[number].isNaN ? schedules.firstIndex(of: text) ?? schedules.count : -1
        }
        let order = texts.indices.sorted { a, b in
            if orders[a] != orders[b] { return orders[a] < orders[b] }
            return numbers[a] == numbers[b] || numbers[a].isNaN ? texts[a] < texts[b] : numbers[a] < numbers[b]
        }
        (texts, numbers) = (order.map { texts[$0] }, order.map { numbers[$0] })
        known = [:]
        var sorted = Array(repeating: Number(0), count: order.count)
        for (index, number) in order.enumerated() { sorted[number] = Number(index) }
        return sorted
    }
}
