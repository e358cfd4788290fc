// SPDX-License-Identifier: Apache-2.0

/// A line for fish for each command and each flag.
struct FishCompletion {
    private let commands: [Command]

    init(_ commands: [Command]) { self.commands = commands }

    var text: String {
        let first = Main.entries.map { name, summary in
            "complete -c ppthreads -n __fish_use_subcommand -f -a \(name) -d \(summary.quotedForShell)"
        }
        let help =
            "complete -c ppthreads -n '__fish_seen_subcommand_from help' -f -a '\(Main.helpTopics.joined(separator: " "))'"
        return (["# Completions of ppthreads for fish."] + first + [help] + commands.flatMap(lines))
            .joined(separator: "\n")
    }

    private func lines(_ command: Command) -> [String] {
        let start = "complete -c ppthreads -n '__fish_seen_subcommand_from \(command.name)'"
        let argument = "\(start)\(values(command.argument ?? .any, isOption: false))"
        let flags = command.flags.map { flag in
            let names = flag.names.map { $0.hasPrefix("--") ? "-l \($0.dropFirst(2))" : "-s \($0.dropFirst())" }
            let value = flag.placeholder == nil ? "" : values(flag.values, isOption: true)
            return "\(start) \(names.joined(separator: " "))\(value) -d \(flag.help.quotedForShell)"
        }
        return [argument] + flags
    }

    /// What may follow: a list's words are offered for what stands behind its last comma.
    private func values(_ values: FlagValues, isOption: Bool) -> String {
        let files = isOption ? (values.allowsFiles ? " -r -F" : " -x") : (values.allowsFiles ? " -F" : " -f")
        if values.words.isEmpty { return files }
        let words = values.words.joined(separator: " ")
        let offered = values.isList ? "(__fish_complete_list , 'printf \"%s\\n\" \(words)')" : words
        return "\(files) -a \(values.isList ? "\"\(offered.replacing("\"", with: "\\\""))\"" : "'\(offered)'")"
    }
}
