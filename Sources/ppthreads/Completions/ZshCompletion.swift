// SPDX-License-Identifier: Apache-2.0

/// A function for zsh's completion system, with a call of its `_arguments` for each command.
struct ZshCompletion {
    private let commands: [Command]

    init(_ commands: [Command]) { self.commands = commands }

    var text: String {
        let lines = Main.entries.map { "        \("\($0):\($1)".quotedForShell)" }.joined(separator: "\n")
        return """
            #compdef ppthreads
            # Completions of ppthreads for zsh.
            _ppthreads() {
                local -a commands=(
            \(lines)
                )
                if ((CURRENT == 2)); then _describe command commands; return; fi
                local command=$words[2]
                shift words
                ((CURRENT--))
                case $command in
                    help) commands+=('words:what the words of tables mean'); _describe command commands ;;
            \(commands.map(arguments).joined(separator: "\n"))
                esac
            }
            if [[ $funcstack[1] == _ppthreads ]]; then _ppthreads "$@"; else compdef _ppthreads ppthreads; fi
            """
    }

    private func arguments(_ command: Command) -> String {
        let argument = command.argument.map { ["1:argument:\(action($0))"] } ?? []
        let all = (argument + command.flags.flatMap(specifications) + ["(- *)--help[what it does]"])
            .map { " \\\n                \($0.quotedForShell)" }
        return "        \(command.name)) _arguments\(all.joined()) ;;"
    }

    /// One for each of a flag's names, which exclude each other.
    private func specifications(_ flag: FlagText) -> [String] {
        let others = flag.names.count > 1 ? "(\(flag.names.joined(separator: " ")))" : ""
        return flag.names.map { name in
            let help = "[\(escaped(flag.help))]"
            guard let placeholder = flag.placeholder else { return "\(others)\(name)\(help)" }
            let joins = name.hasPrefix("--") ? "=" : ""
            return "\(others)\(name)\(joins)\(help):\(placeholder):\(action(flag.values))"
        }
    }

    private func action(_ values: FlagValues) -> String {
        let words = values.words.joined(separator: " ")
        switch (values.isList, values.words.isEmpty, values.allowsFiles) {
        case (_, true, true): return "_files"
        case (true, false, let files): return "{_sequence compadd - \(words)\(files ? "; _files" : "")}"
        case (false, false, let files): return files ? "{compadd - \(words); _files}" : "(\(words))"
        case (_, true, false): return " "
        }
    }

    /// Without what ends a description.
    private func escaped(_ text: String) -> String {
        text.replacing("\\", with: #"\\"#).replacing("[", with: #"\["#).replacing("]", with: #"\]"#)
            .replacing(":", with: #"\:"#)
    }
}
