// SPDX-License-Identifier: Apache-2.0

/// A subcommand: what it is called and what it does.
struct Command {
    let name: String
    let summary: String
    /// How it is called, and what it does then.
    let synopsis: String
    /// What its first argument may be; nil where it takes flags alone.
    var argument: FlagValues?
    /// In the order of the help.
    let flags: [FlagText]
    /// Words that its reports have and that not everybody knows.
    var terms: [Term] = []
    let run: ([String]) throws(CommandError) -> Void

    /// What it does, its flags and its words, in columns.
    var help: String { synopsis + flagLines + termLines }

    private var flagLines: String {
        if flags.isEmpty { return "" }
        let width = 34
        let lines = flags.map { flag in
            flag.title.count < width - 2
                ? "  \(flag.title.padded(to: width - 2))\(flag.explained)"
                : "  \(flag.title)\n\(String(repeating: " ", count: width))\(flag.explained)"
        }
        return "\n\nFlags (defaults in brackets; --flag=value works too):\n" + lines.joined(separator: "\n")
    }

    private var termLines: String {
        if terms.isEmpty { return "" }
        let lines = Explanation(terms).lines.map { "  \($0)" }.joined(separator: "\n")
        return "\n\nWords (--explain has those of a report, ppthreads help words has all):\n\(lines)"
    }
}

/// What is told of a flag, whatever it sets: in the help, the manual page and to shells.
struct FlagText {
    let names: [String]
    let placeholder: String?
    let help: String
    let standard: String?
    let values: FlagValues

    /// Its names, and what stands for its value.
    var title: String { names.joined(separator: ", ") + (placeholder.map { " \($0)" } ?? "") }
    /// What it is for, what is allowed and its default.
    var explained: String { help + values.told + (standard.map { " [\($0)]" } ?? "") }
}

/// What a shell can offer for a flag's value.
struct FlagValues: Equatable {
    /// The names among what is allowed.
    var words: [String] = []
    /// Whether a file's path is allowed, too.
    var allowsFiles = false
    /// Whether several are, separated by commas.
    var isList = false
    /// What is allowed, as the end of the flag's help; empty where that says it.
    var told = ""

    /// A number, or a text.
    static let any = FlagValues()
    static let file = FlagValues(allowsFiles: true)
}
