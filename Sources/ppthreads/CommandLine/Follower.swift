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
        guard !takesPart(arguments), ["run", "compare", "sweep", "verify"].contains(arguments.first),
            let size = LaunchedProcess.size, size > 1
        else { return }
        if rank > 0 { _ = try? LaunchedProcess.silence() }
        throw CommandError(
            code: .usage,
            message:
                "a launcher has started \(size) of this command, each of which would do all of it; with --transport mpi they are "
                + "the ranks of one run")
    }

    private static func begin(_ arguments: [String], _ rank: Int) throws(SystemError) {
        if !takesPart(arguments) { return }
        if rank > 0 {
            unsafe errors = try LaunchedProcess.silence()
            unsafe OutputFile.isSilent = true
        }
        JobOfProgram.start()
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
        let names: [Substring] = ["mpi", "mpi-only"]
        return arguments.contains { $0.split { $0 == "," || $0 == "=" }.contains(where: names.contains) }
    }
}
