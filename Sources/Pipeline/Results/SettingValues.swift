/// Values of settings, each kept once and known by a number, so that a run's settings are a short list of numbers.
struct SettingValues {
    typealias Number = UInt32

    private(set) var texts = [""]
    /// The value of each text that is a number; NaN for the others.
    private(set) var numbers = [Double.nan]
    private var known: [String: Number] = ["": 0]
    /// The field and number that each setting had last, since most rows resemble the one before.
    private var last = Array(
        repeating: (field: CSVScanner.Field?.none, number: Number(0)), count: RunSetting.allCases.count)

    /// The number of a setting's value; nil when it is no value of that setting.
    mutating func number(of setting: RunSetting, place: Int, _ field: CSVScanner.Field, in bytes: Span<UInt8>)
        -> Number?
    {
        if let before = last[place].field, Self.areEqual(before, field, in: bytes) { return last[place].number }
        guard let text = Self.normal(field, setting, in: bytes) else { return nil }
        let number = number(of: text)
        last[place] = (field, number)
        return number
    }

    private mutating func number(of text: String) -> Number {
        if let number = known[text] { return number }
        let number = Number(texts.count)
        known[text] = number
        texts.append(text)
        numbers.append(Double(text).flatMap { $0.isFinite ? $0 : nil } ?? .nan)
        return number
    }

    /// Counts without needless zeros (4.0 is 4), names in lower case; paths and machines as they are.
    private static func normal(_ field: CSVScanner.Field, _ setting: RunSetting, in bytes: Span<UInt8>) -> String? {
        if field.range.isEmpty { return RunSetting.required.contains(setting) ? nil : "" }
        switch setting {
        case .host, .cpu, .gemm: return field.text(in: bytes)
        case _ where setting.isCount:
            guard let value = field.number(in: bytes), let count = Int(exactly: value), count >= 0 else { return nil }
            return count == 0 && setting != .warmupSteps ? nil : String(count)
        default: return field.text(in: bytes).lowercased()
        }
    }

    private static func areEqual(_ a: CSVScanner.Field, _ b: CSVScanner.Field, in bytes: Span<UInt8>) -> Bool {
        if a.range.count != b.range.count { return false }
        for offset in 0..<a.range.count where bytes[a.range.lowerBound + offset] != bytes[b.range.lowerBound + offset] {
            return false
        }
        return true
    }

    /// Whether one value comes before another: numbers first and by size, known schedules in the order of their invention, other
    /// texts by their letters.
    func precedes(_ a: Number, _ b: Number, as setting: RunSetting) -> Bool {
        let (x, y) = (numbers[Int(a)], numbers[Int(b)])
        if x.isNaN != y.isNaN { return y.isNaN }
        if x < y || x > y { return x < y }
        let (first, second) = (texts[Int(a)], texts[Int(b)])
        guard setting == .schedule else { return first < second }
        let order = ScheduleKind.allCases.map(\.rawValue)
        let (i, j) = (order.firstIndex(of: first) ?? order.count, order.firstIndex(of: second) ?? order.count)
        return i == j ? first < second : i < j
    }
}
