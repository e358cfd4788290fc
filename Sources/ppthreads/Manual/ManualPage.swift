// SPDX-License-Identifier: Apache-2.0

/// All commands as a page for man, in the macros that groff and mandoc share (man(7)).
struct ManualPage {
    private let commands: [Command]

    init(_ commands: [Command]) { self.commands = commands }

    var text: String {
        ([
            ".TH PPTHREADS 1 \"\" \"ppthreads \(Version.number)\" \"User Commands\"",
            ".SH NAME", "ppthreads \\- \(Self.escaped(Main.purpose))",
            ".SH SYNOPSIS", ".B ppthreads", ".I COMMAND", "[flags]",
            ".SH COMMANDS",
        ]
            + Main.entries.flatMap { [".TP", ".B \($0)", Self.escaped($1)] }
            + commands.flatMap(section) + words + exitCodes).joined(separator: "\n")
    }

    /// A command's synopsis as it stands in its help, and its flags.
    private func section(_ command: Command) -> [String] {
        let synopsis = [".SH PPTHREADS \(command.name.uppercased())", ".nf", Self.escaped(command.synopsis), ".fi"]
        return synopsis
            + command.flags.flatMap { flag in
                [".TP", ".B \(Self.escaped(flag.title))", Self.escaped(flag.explained)]
            }
    }

    private var words: [String] {
        [".SH WORDS"] + Term.allCases.flatMap { [".TP", ".B \(Self.escaped($0.name))", Self.escaped($0.meaning)] }
    }

    private var exitCodes: [String] {
        [".SH EXIT STATUS"]
            + ExitCode.allCases.filter { !$0.isOfSignal }.flatMap { [".TP", ".B \($0.rawValue)", $0.meaning] }
            + [".TP", ".B 129 to 143", "ended by a signal"]
    }

    /// As it is, whatever it holds: a backslash, a hyphen that is none of a word, and a dot or quote that a line starts with
    /// would be commands.
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\e").replacing("-", with: "\\-").split(
            separator: "\n", omittingEmptySubsequences: false
        ).map { line in
            line.hasPrefix(".") || line.hasPrefix("'") ? "\\&\(line)" : String(line)
        }.joined(separator: "\n")
    }
}
