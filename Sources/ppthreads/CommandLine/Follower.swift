// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline
import Threads

/// A process of a job that another one speaks for: all run the same command and come to the same, and the first one prints and
/// writes it.
enum Follower {
    /// What was standard error, of such a process.
    nonisolated(unsafe) private static var errors: Int32?

    /// Makes this process one if it is: started by a launcher behind the first, for ranks of MPI.
    /// - Throws: `CommandError` where a launcher has started several processes, which the command does not ask to work together.
    static func begin(_ arguments: [String]) throws(CommandError) {
        guard let rank = LaunchedProcess.rank else { return }
        do throws(SystemError) { try begin(arguments, rank) } catch {
            throw CommandError(code: .failed, message: "standard output and error: \(error)")
        }
        try checkArguments(arguments)
        guard !takesPart(arguments), ["run", "compare", "sweep", "verify"].contains(arguments.first),
            let size = LaunchedProcess.size, size > 1
        else { return }
        if rank > 0 { _ = try? LaunchedProcess.silence() }
        // What is wrong with the flags themselves is told by who reads them, once.
        if isMistaken(arguments) { return }
        throw CommandError(
            code: .usage,
            message:
                "--transport: \(transports(arguments).last.map(String.init) ?? "threads"): a launcher has started \(size) of this command, each of "
                + "which would do all of it; with --transport mpi they are the ranks of one run")
    }

    /// Whether a flag is none of the command's, or a transport none that there is.
    private static func isMistaken(_ arguments: [String]) -> Bool {
        let names = Main.commands.first { $0.name == arguments.first }?.flags.flatMap(\.names) ?? []
        let flags = arguments.filter { $0.hasPrefix("--") }.map { String($0.prefix { $0 != "=" }) }
        let known = TransportKind.allCases.map(\.rawValue) + ["all"]
        return flags.contains { !names.contains($0) }
            || transports(arguments).contains { $0.split(separator: ",").contains { !known.contains(String($0)) } }
    }

    /// The values of `--transport`, each of which may be a list.
    private static func transports(_ arguments: [String]) -> [Substring] {
        let flag = "--transport"
        return arguments.indices.compactMap { index in
            if index > 0 && arguments[index - 1] == flag { return arguments[index][...] }
            return arguments[index].hasPrefix("\(flag)=") ? arguments[index].dropFirst(flag.count + 1) : nil
        }
    }

    private static func begin(_ arguments: [String], _ rank: Int) throws(SystemError) {
        if !takesPart(arguments) { return }
        if rank > 0 {
            unsafe errors = try LaunchedProcess.silence()
            unsafe OutputFile.isSilent = true
        }
        JobOfProgram.start()
    }

    /// Processes that do not all have the same to do would wait for each other in vain, or mix what is different.
    private static func checkArguments(_ arguments: [String]) throws(CommandError) {
        let all: [(host: JobHost?, value: [String])]
        do throws(JobError) { all = try JobOfProgram.ofAll(arguments) } catch {
            throw CommandError(code: .failed, message: error.description)
        }
        guard let other = all.firstIndex(where: { $0.value != all[0].value }) else { return }
        let host = all[other].host.map { ", on \($0.name)," } ?? ""
        let at = zip(all[0].value, all[other].value).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        func word(_ index: Int) -> String {
            let words = all[index].value
            return at.map { "'\(words[$0].visible)'" } ?? counted(words.count, "argument")
        }
        throw CommandError(
            code: .usage,
            message:
                "rank \(other)\(host) was started with other arguments than rank 0: \(word(other)), where rank 0 has \(word(0)); "
                + "the ranks of a run all take the same")
    }

    /// Tells the end of a command that the first process cannot tell, because it does not answer.
    static func error(_ line: String) {
        guard let errors = unsafe errors, unsafe JobOfProgram.firstIsSilent else { return }
        try? writeAll(line.visible + "\n", to: errors)
    }

    /// Whether the command is one that the processes do together: a flag asks for the transport, alone or in a list, or the hosts are
    /// to be shown.
    private static func takesPart(_ arguments: [String]) -> Bool {
        if arguments.first == "doctor" { return JobOfProgram.isPossible }
        return transports(arguments).contains { value in
            value.split(separator: ",").contains { ["mpi", "mpi-only"].contains($0) }
        }
    }
}
