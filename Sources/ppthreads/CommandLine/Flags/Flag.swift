// SPDX-License-Identifier: Apache-2.0

/// A flag of a command, bound to the options that it sets.
struct Flag<Options> {
    /// The first is the one that messages use.
    let names: [String]
    /// What stands for the value in the help; nil for a switch.
    let placeholder: String?
    let help: String
    /// The default as a person would type it; nil when there is none.
    let standard: String?
    /// For shells, which complete it.
    var values = FlagValues.any
    /// Sets the options from the text of a value (empty for a switch), or says what is allowed instead.
    let apply: (inout Options, String) throws(FlagValueError) -> Void
}

/// A value that a flag does not take.
struct FlagValueError: Error {
    let allowed: String
    /// What was probably meant.
    var meant: String?

    /// For messages.
    var advice: String { (meant.map { "did you mean \($0)? " } ?? "") + allowed }
}

extension Flag {
    /// All of it but what it sets.
    var text: FlagText {
        FlagText(names: names, placeholder: placeholder, help: help, standard: standard, values: values)
    }

    /// The same flag for options that hold these.
    func within<Outer>(_ path: WritableKeyPath<Outer, Options>) -> Flag<Outer> {
        Flag<Outer>(names: names, placeholder: placeholder, help: help, standard: standard, values: values) {
            outer, text throws(FlagValueError) in
            try apply(&outer[keyPath: path], text)
        }
    }

    /// The same flag, whose default is told in these words.
    func withStandard(_ words: String) -> Flag {
        Flag(names: names, placeholder: placeholder, help: help, standard: words, values: values, apply: apply)
    }

    /// A switch.
    static func on(_ names: String..., set path: WritableKeyPath<Options, Bool>, help: String) -> Flag {
        Flag(names: names, placeholder: nil, help: help, standard: nil) { options, _ throws(FlagValueError) in
            options[keyPath: path] = true
        }
    }

    /// A whole number in a range.
    static func number(
        _ names: String..., set path: WritableKeyPath<Options, Int>, in range: ClosedRange<Int>, standard: Options,
        help: String
    ) -> Flag {
        let text = String(standard[keyPath: path])
        return Flag(names: names, placeholder: "N", help: help, standard: text) {
            options, text throws(FlagValueError) in
            options[keyPath: path] = try integer(text, in: range)
        }
    }

    /// A whole number in a range, with a default that depends on other flags.
    static func number(
        _ names: String..., set path: WritableKeyPath<Options, Int?>, in range: ClosedRange<Int>, standard: String,
        help: String
    ) -> Flag {
        Flag(names: names, placeholder: "N", help: help, standard: standard) { options, text throws(FlagValueError) in
            options[keyPath: path] = try integer(text, in: range)
        }
    }

    /// A positive number.
    static func positive(
        _ names: String..., set path: WritableKeyPath<Options, Double>, max: Double, placeholder: String,
        standard: Options, help: String
    ) -> Flag {
        let allowed = "a number above 0, at most \(max)"
        return real(names, set: path, placeholder, standard, help, allowed) { $0 > 0 && $0 <= max }
    }

    /// A number from 0 on.
    static func fromZero(
        _ names: String..., set path: WritableKeyPath<Options, Double>, max: Double, placeholder: String,
        standard: Options, help: String
    ) -> Flag {
        let allowed = "a number from 0 on, at most \(max)"
        return real(names, set: path, placeholder, standard, help, allowed) { $0 >= 0 && $0 <= max }
    }

    private static func real(
        _ names: [String], set path: WritableKeyPath<Options, Double>, _ placeholder: String, _ standard: Options,
        _ help: String, _ allowed: String, allows: @escaping (Double) -> Bool
    ) -> Flag {
        let text = "\(standard[keyPath: path])"
        return Flag(names: names, placeholder: placeholder, help: help, standard: text) {
            options, text throws(FlagValueError) in
            guard let value = Double(text), allows(value) else { throw FlagValueError(allowed: allowed) }
            options[keyPath: path] = value
        }
    }

    /// One of the cases of an enumeration.
    static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ names: String..., set path: WritableKeyPath<Options, Choice>, standard: Options, help: String
    ) -> Flag {
        let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return Flag(
            names: names, placeholder: "NAME", help: help, standard: standard[keyPath: path].rawValue,
            values: FlagValues(words: Choice.allCases.map(\.rawValue), told: ": \(allowed)")
        ) { options, text throws(FlagValueError) in
            guard let value = Choice(rawValue: text) else { throw FlagValueError(allowed: allowed) }
            options[keyPath: path] = value
        }
    }

    /// Some cases of an enumeration, each once, separated by commas.
    static func choices<Choice: RawRepresentable<String> & CaseIterable & Equatable>(
        _ names: String..., set path: WritableKeyPath<Options, [Choice]>, standard: Options, help: String
    ) -> Flag {
        let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        let isAll = standard[keyPath: path].count == Choice.allCases.count
        let text = isAll ? "all" : standard[keyPath: path].map(\.rawValue).joined(separator: ",")
        return Flag(
            names: names, placeholder: "LIST", help: help, standard: text,
            values: FlagValues(
                words: Choice.allCases.map(\.rawValue), isList: true, told: ", out of: \(allowed)")
        ) {
            options, text throws(FlagValueError) in
            options[keyPath: path] = try list(text) { part throws(FlagValueError) in
                guard let value = Choice(rawValue: part) else {
                    throw FlagValueError(allowed: "names separated by commas, each once, out of: \(allowed)")
                }
                return value
            }
        }
    }

    /// Some whole numbers in a range, separated by commas.
    static func numbers(
        _ names: String..., set path: WritableKeyPath<Options, [Int]>, in range: ClosedRange<Int>, standard: Options,
        help: String
    ) -> Flag {
        let text = standard[keyPath: path].map(String.init).joined(separator: ",")
        return Flag(names: names, placeholder: "LIST", help: help, standard: text) {
            options, text throws(FlagValueError) in
            options[keyPath: path] = try integers(text, in: range)
        }
    }

    /// Some whole numbers in a range, with a default that depends on other flags.
    static func numbers(
        _ names: String..., set path: WritableKeyPath<Options, [Int]?>, in range: ClosedRange<Int>, standard: String,
        help: String
    ) -> Flag {
        Flag(names: names, placeholder: "LIST", help: help, standard: standard) {
            options, text throws(FlagValueError) in
            options[keyPath: path] = try integers(text, in: range)
        }
    }

    /// Some numbers from 0 on, separated by commas.
    static func fromZero(
        _ names: String..., set path: WritableKeyPath<Options, [Double]>, max: Double, standard: Options, help: String
    ) -> Flag {
        let text = standard[keyPath: path].map { "\($0)" }.joined(separator: ",")
        return Flag(names: names, placeholder: "LIST", help: help, standard: text) {
            options, text throws(FlagValueError) in
            options[keyPath: path] = try list(text) { part throws(FlagValueError) in
                guard let value = Double(part), value >= 0, value <= max else {
                    throw FlagValueError(allowed: "numbers separated by commas, each from 0 on, at most \(max)")
                }
                return value
            }
        }
    }

    /// A file's path.
    static func path(
        _ names: String..., set path: WritableKeyPath<Options, String?>, standard: String? = nil, help: String
    ) -> Flag {
        Flag(names: names, placeholder: "FILE", help: help, standard: standard, values: .file) {
            options, text throws(FlagValueError) in
            if text.isEmpty { throw FlagValueError(allowed: "a file's path") }
            options[keyPath: path] = text
        }
    }

    private static func integer(
        _ text: String, in range: ClosedRange<Int>, _ what: String = "a whole number from"
    ) throws(FlagValueError) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw FlagValueError(allowed: "\(what) \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func integers(_ text: String, in range: ClosedRange<Int>) throws(FlagValueError) -> [Int] {
        try list(text) { part throws(FlagValueError) in
            try integer(part, in: range, "whole numbers separated by commas, each from")
        }
    }

    /// The elements of a list, in its order. Each stands once: what would run twice is more likely a slip than a wish.
    static func list<Element: Equatable>(
        _ text: String, _ element: (String) throws(FlagValueError) -> Element
    ) throws(FlagValueError) -> [Element] {
        var elements: [Element] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let next = try element(String(part))
            if elements.contains(next) { throw FlagValueError(allowed: "each once, and \(part) stands twice") }
            elements.append(next)
        }
        return elements
    }
}
