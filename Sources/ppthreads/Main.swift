// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline
import Threads

@main
struct Main {
    static var commands: [Command] {
        [
            CompareCommand.command, SweepCommand.command, AnalyzeCommand.command, RunCommand.command,
            TraceCommand.command, VerifyCommand.command, ScheduleCommand.command, ProfileCommand.command,
            SimulateCommand.command, PlanCommand.command,
            DoctorCommand.command, CompletionsCommand.command, ManualCommand.command,
        ]
    }

    /// What stands where a command does without being one.
    static let topics = [
        (name: "help", summary: "explains a command: ppthreads help run; ppthreads help words explains words"),
        (
            name: "version",
            summary: "prints the version, and the commit of the source it was built from (also --version)"
        ),
    ]

    /// All that may come first, with what it is for.
    static var entries: [(name: String, summary: String)] { commands.map { ($0.name, $0.summary) } + topics }
    /// All that `help` explains.
    static var helpTopics: [String] { entries.map(\.name) + ["words"] }

    static let purpose = "pipeline-parallel training on CPUs, with the schedule's cost and the transport's told apart"

    static func main() {
        let arguments = arguments()
        let command = commands.first { $0.name == arguments.first }.map { " \($0.name)" } ?? ""
        do throws(CommandError) {
            do throws(SystemError) {
                try Signals.takeOver(name: "ppthreads\(command)")
            } catch {
                throw CommandError(code: .failed, message: "standard input, output and error: \(error)")
            }
            try Follower.begin(arguments)
            try dispatch(arguments)
            if unsafe JobOfProgram.lostLookers != nil {
                throw CommandError(code: .failed, message: "all that was asked for is done")
            }
        } catch {
            JobOfProgram.tellEnd(error.message)
            let looker = unsafe JobOfProgram.lostLookers.map { "; \($0)" } ?? ""
            let line = "ppthreads\(command): \(error.message)\(looker)"
            Terminal.error(line)
            Follower.error(line)
            exit(error.code.rawValue)
        }
    }

    /// Ends the program when they are no text.
    private static func arguments() -> [String] {
        do throws(ArgumentError) { return try ProgramArguments.words } catch {
            Terminal.error("ppthreads: \(error)")
            exit(ExitCode.usage.rawValue)
        }
    }

    private static func dispatch(_ arguments: [String]) throws(CommandError) {
        switch arguments.first {
        case nil, "help", "--help", "-h":
            try checkCount(arguments, atMost: arguments.count > 1 && arguments[1] == "words" ? 3 : 2)
            try help(arguments.dropFirst().first, arguments.dropFirst(2).first)
        case "--version", "version":
            try checkCount(arguments, atMost: 1)
            try Terminal.output("ppthreads \(Version.number) (commit \(Version.commit))")
        case let name?:
            let command = try command(named: name)
            let rest = Array(arguments.dropFirst())
            if rest.contains("--help") || rest.contains("-h") { return try Terminal.output(command.help) }
            try command.run(rest)
        }
    }

    private static func command(named name: String) throws(CommandError) -> Command {
        if let command = commands.first(where: { $0.name == name }) { return command }
        let meant = Slip.of(name, among: commands.map(\.name) + ["help", "version"])
        let hint = meant.map { "did you mean '\($0)'?" } ?? "ppthreads help lists those there are"
        throw CommandError(code: .usage, message: "unknown command '\(name)'; \(hint)")
    }

    private static func checkCount(_ arguments: [String], atMost most: Int) throws(CommandError) {
        if arguments.count <= most { return }
        throw CommandError(
            code: .usage, message: "unexpected argument '\(arguments[most])' after \(arguments[most - 1])")
    }

    private static func words(_ word: String?) throws(CommandError) {
        let terms = Term.allCases.filter { word == nil || $0.name == word }
        if terms.isEmpty {
            let meant = Slip.of(word!, among: Term.allCases.map(\.name)).map { "did you mean '\($0)'?" }
            throw CommandError(
                code: .usage, message: "help words: '\(word!)' is none; \(meant ?? "ppthreads help words has all")")
        }
        try Terminal.output(Explanation(terms).lines.joined(separator: "\n"))
    }

    private static func help(_ topic: String?, _ word: String?) throws(CommandError) {
        if topic == "words" { return try words(word) }
        if let topic, topic != "help", topic != "version" {
            return try Terminal.output(try command(named: topic).help)
        }
        let codes = ExitCode.allCases.filter { !$0.isOfSignal }.map { "\($0.rawValue) \($0.meaning)" }.joined(
            separator: ", ")
        let lines = entries.map { "  \($0.padded(to: 13))\($1)" }.joined(separator: "\n")
        try Terminal.output(
            """
            ppthreads \(Version.number): \(purpose).

            Usage: ppthreads COMMAND [flags]

            \(lines)

            Exit codes: \(codes), 129 to 143 ended by a signal.
            """)
    }
}
