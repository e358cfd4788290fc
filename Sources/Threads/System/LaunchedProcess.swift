// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What a launcher of MPI programs (mpirun, mpiexec, srun) tells a process that it has started, before MPI itself does.
public enum LaunchedProcess {
    /// The process's number among those that were started together; nil where no launcher has started it.
    public static var rank: Int? { told?.rank }

    /// How many were started together; nil where no launcher has started it.
    public static var size: Int? { told?.size }

    /// Both, of the first launcher that tells both: a number alone, left in the environment by chance, is no launcher's.
    private static var told: (rank: Int, size: Int)? {
        let names = [
            ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
            ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
        ]
        for (rank, size) in names {
            if let rank = number(rank), let size = number(size), (0..<max(0, size)).contains(rank) {
                return (rank, size)
            }
        }
        return nil
    }

    private static func number(_ name: String) -> Int? {
        // Sound: the string is copied at once, and nothing in this program changes the environment.
        unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
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
