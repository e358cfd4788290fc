// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What a launcher of MPI programs (mpirun, mpiexec, srun) tells a process that it has started, before MPI itself does.
public enum LaunchedProcess {
    /// The process's number among those that were started together; nil where no launcher has started it.
    public static var rank: Int? { number(["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"]) }

    /// How many were started together; nil where that is not known, or where no launcher has started it.
    public static var size: Int? { number(["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"]) }

    private static func number(_ names: [String]) -> Int? {
        for name in names {
            // Sound: the string is copied at once, and nothing in this program changes the environment.
            if let text = unsafe getenv(name), let number = unsafe Int(String(cString: text)) { return number }
        }
        return nil
    }

    /// Sends whatever the process prints to nobody, because another one prints it.
    /// - Returns: the descriptor of what was its standard error.
    public static func silence() throws(SystemError) -> Int32 {
        let before = try systemCall("dup") { fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) }
        let nowhere = try systemCall("open /dev/null") { unsafe open("/dev/null", O_WRONLY | O_CLOEXEC) }
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] { try systemCall("dup2") { dup2(nowhere, descriptor) } }
        close(nowhere)
        return before
    }
}
