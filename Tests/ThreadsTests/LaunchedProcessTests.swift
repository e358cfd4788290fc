// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import Threads

/// What launchers tell the processes that they start. Each in a process of its own, which may change its environment.
struct LaunchedProcessTests {
    @Test("Open MPI, MPICH and Slurm tell rank and size, in this order where several speak") func known() async {
        await #expect(processExitsWith: .success) {
            for name in ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"] { unsetenv(name) }
            for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"] { unsetenv(name) }
            precondition(LaunchedProcess.rank == nil && LaunchedProcess.size == nil)
            setenv("SLURM_PROCID", "3", 1)
            setenv("SLURM_STEP_NUM_TASKS", "5", 1)
            precondition(LaunchedProcess.rank == 3 && LaunchedProcess.size == 5)
            setenv("PMIX_RANK", "2", 1)
            precondition(LaunchedProcess.rank == 2)
            setenv("PMI_RANK", "1", 1)
            setenv("PMI_SIZE", "4", 1)
            precondition(LaunchedProcess.rank == 1 && LaunchedProcess.size == 4)
            setenv("OMPI_COMM_WORLD_RANK", "0", 1)
            setenv("OMPI_COMM_WORLD_SIZE", "2", 1)
            precondition(LaunchedProcess.rank == 0 && LaunchedProcess.size == 2)
            // What is no number is passed over.
            setenv("OMPI_COMM_WORLD_RANK", "first", 1)
            precondition(LaunchedProcess.rank == 1)
        }
    }

    @Test("a silenced process prints nothing more, and keeps its standard error aside") func silenced() async throws {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
        ) {
            let errors = try LaunchedProcess.silence()
            precondition(errors > 2)
            write(STDOUT_FILENO, "lost output", 11)
            write(STDERR_FILENO, "lost error", 10)
            write(errors, "kept aside", 10)
        }
        let (output, errors) = (
            String(decoding: result?.standardOutputContent ?? [], as: UTF8.self),
            String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        )
        #expect(errors.contains("kept aside") && !errors.contains("lost") && !output.contains("lost"))
    }
}
