// SPDX-License-Identifier: Apache-2.0

/// Lengths of time as flags have them: a number of seconds, or a number with its unit.
enum TimeText {
    static let allowed = "a number of seconds from 0 on, or one with a unit, such as 3ms or 40us, at most an hour"
    private static let units = [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0)]

    /// Seconds; nil when the text is none.
    static func seconds(_ text: String) -> Double? {
        let unit = units.first { text.hasSuffix($0.0) }
        guard let number = Double(text.dropLast(unit?.0.count ?? 0)) else { return nil }
        let seconds = number * (unit?.1 ?? 1)
        return seconds >= 0 && seconds <= 3600 ? seconds : nil
    }
}

extension Flag {
    /// A length of time.
    static func duration(
        _ name: String, set path: WritableKeyPath<Options, Double>, standard: String, help: String
    ) -> Flag {
        Flag(names: [name], placeholder: "TIME", help: help, standard: standard) {
            options, text throws(FlagValueError) in
            guard let seconds = TimeText.seconds(text) else { throw FlagValueError(allowed: TimeText.allowed) }
            options[keyPath: path] = seconds
        }
    }
}
