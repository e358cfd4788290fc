// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// A flag's value that is a name, or the path of a file, which is read once for all that the flag is for.
protocol NameOrFile: Equatable, Sendable {
    /// What a file holds.
    associatedtype Contents

    /// The names there are.
    static var names: [String] { get }
    /// What else is allowed, as a list of the names goes on.
    static var alternatives: String { get }
    /// What a list of them may be, for messages.
    static var listRule: String { get }
    /// What the word all stands for in a list, alone or beside others; nil where it is no such word.
    static var all: [Self]? { get }

    /// - Throws: what is allowed, and what was probably meant, for what is none of it.
    init(_ text: String) throws(FlagValueError)

    /// As a person would type it.
    var text: String { get }
    /// The file's; nil for what is no file.
    var path: String? { get }

    static func read(_ path: String) throws(DataError) -> Contents
}

extension NameOrFile {
    /// For messages and helps.
    static var allowed: String { (names + [alternatives]).joined(separator: ", ") }

    /// For shells.
    static var values: FlagValues { FlagValues(words: names, allowsFiles: true, told: ": \(allowed)") }
    /// The same where several are allowed.
    fileprivate static var listed: FlagValues {
        FlagValues(
            words: names + (all == nil ? [] : ["all"]), allowsFiles: true, isList: true, told: ", out of: \(allowed)")
    }

    /// Whether a text is a path: it has a slash, or ends as such files' names do.
    static func isPath(_ text: String, endings: [String]) -> Bool {
        text.contains("/") || endings.contains(where: text.lowercased().hasSuffix)
    }

    /// A list with what the word all stands for: all those that stand nowhere else in it.
    fileprivate static func withAll(_ list: String) -> String {
        let parts = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard let all, parts.count(where: { $0 == "all" }) == 1 else { return list }
        let others = all.map(\.text).filter { !parts.contains($0) }
        return parts.flatMap { $0 == "all" ? others : [$0] }.joined(separator: ",")
    }

    /// What is said of a text that is none of what is allowed.
    static func refusal(of text: String) -> FlagValueError {
        FlagValueError(allowed: allowed, meant: Slip.of(text, among: names))
    }
}

extension Array where Element: NameOrFile {
    /// The files among them, each once.
    var paths: [String] { compactMap(\.path).unique }

    /// What the files among them hold, by their paths.
    func read() throws(CommandError) -> [String: Element.Contents] {
        var contents: [String: Element.Contents] = [:]
        for path in paths {
            contents[path] = try readingData { () throws(DataError) in try Element.read(path) }
        }
        return contents
    }
}

extension Flag {
    /// A name or a file.
    static func nameOrFile<Value: NameOrFile>(
        _ name: String, set path: WritableKeyPath<Options, Value>, placeholder: String, standard: Options, help: String
    ) -> Flag {
        Flag(
            names: [name], placeholder: placeholder, help: help, standard: standard[keyPath: path].text,
            values: Value.values
        ) { options, text throws(FlagValueError) in options[keyPath: path] = try Value(text) }
    }

    /// A name or a file, or none.
    static func nameOrFile<Value: NameOrFile>(
        _ name: String, set path: WritableKeyPath<Options, Value?>, placeholder: String, help: String
    ) -> Flag {
        Flag(
            names: [name], placeholder: placeholder, help: help, standard: "none", values: Value.values
        ) {
            options, text throws(FlagValueError) in options[keyPath: path] = try Value(text)
        }
    }

    /// Several of them, each once, separated by commas.
    static func namesOrFiles<Value: NameOrFile>(
        _ name: String, set path: WritableKeyPath<Options, [Value]>, standard: Options, help: String
    ) -> Flag {
        let values = standard[keyPath: path]
        return Flag(
            names: [name], placeholder: "LIST", help: help,
            standard: values == Value.all ? "all" : values.map(\.text).joined(separator: ","), values: Value.listed
        ) { options, text throws(FlagValueError) in
            options[keyPath: path] = try list(Value.withAll(text)) { part throws(FlagValueError) in
                do throws(FlagValueError) { return try Value(part) } catch {
                    throw FlagValueError(allowed: "\(Value.listRule): \(error.allowed)", meant: error.meant)
                }
            }
        }
    }
}
