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
    static func begin(_ arguments: [String]) throws(SystemError) {
        guard let rank = LaunchedProcess.rank, usesMPI(arguments) else { return }
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

    /// Whether a flag asks for the transport, alone or in a list.
    static func usesMPI(_ arguments: [String]) -> Bool {
        arguments.contains { $0.split(whereSeparator: { $0 == "," || $0 == "=" }).contains("mpi") }
    }
}
