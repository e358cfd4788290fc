// SPDX-License-Identifier: Apache-2.0

/// `ppthreads completions`: what lets a shell complete commands, flags and names.
enum CompletionsCommand {
    enum Shell: String, CaseIterable { case bash, zsh, fish }

    static var command: Command {
        Command(
            name: "completions", summary: "prints what lets bash, zsh or fish complete commands, flags and names",
            synopsis: """
                Usage: ppthreads completions \(Shell.allCases.map(\.rawValue).joined(separator: "|"))

                Prints a script that lets the shell complete commands, flags and names. For the shell at hand:
                  bash   source <(ppthreads completions bash)
                  zsh    source <(ppthreads completions zsh)
                  fish   ppthreads completions fish | source
                """, argument: FlagValues(words: Shell.allCases.map(\.rawValue)), flags: [], run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        guard arguments.count == 1, let shell = Shell(rawValue: arguments[0]) else {
            let given = arguments.joined(separator: " ")
            let allowed = Shell.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandError(
                code: .usage,
                message: given.isEmpty
                    ? "a shell has to come first: \(allowed)" : "'\(given)' is not allowed; one shell is: \(allowed)")
        }
        let commands = Main.commands
        switch shell {
        case .bash: try Terminal.output(BashCompletion(commands).text)
        case .zsh: try Terminal.output(ZshCompletion(commands).text)
        case .fish: try Terminal.output(FishCompletion(commands).text)
        }
    }
}
