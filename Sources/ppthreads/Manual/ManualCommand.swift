// SPDX-License-Identifier: Apache-2.0

/// `ppthreads manual`: the manual page, of the same texts as the helps.
enum ManualCommand {
    static var command: Command {
        Command(
            name: "manual", summary: "prints the manual page, for man",
            synopsis: """
                Usage: ppthreads manual

                Prints the manual page as man reads it: all commands with their flags, and the exit codes. To read it at
                once: ppthreads manual | man -l -
                """, flags: [], run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        if let argument = arguments.first {
            throw CommandError(code: .usage, message: "unexpected argument '\(argument)': manual takes none")
        }
        try Terminal.output(ManualPage(Main.commands).text)
    }
}
