// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import Threads

/// What launchers tell the processes that they start. Each in a process of its own, which may change its environment.
struct LaunchedProcessTests {
    @Test("Open MPI, MPICH and Slurm tell rank and size, in this order where several speak") func known() async {
        await #expect(processExitsWith: .success) {
            for name in ["OMPI_COMM_WORLD", "PMI", "PMIX", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"] {
                for ending in ["", "_RANK", "_SIZE"] { set(name + ending, nil) }
            }
            expect(rank: nil, size: nil)
            set("SLURM_PROCID", "3")
            set("SLURM_STEP_NUM_TASKS", "5")
            expect(rank: 3, size: 5)
            // A number without the other, or beyond it, is no launcher's.
            set("PMI_RANK", "1")
            expect(rank: 3, size: 5)
            set("PMI_SIZE", "1")
            expect(rank: 3, size: 5)
            set("PMI_SIZE", "4")
            expect(rank: 1, size: 4)
            set("OMPI_COMM_WORLD_RANK", "0")
            set("OMPI_COMM_WORLD_SIZE", "2")
            expect(rank: 0, size: 2)
            // What is no number is passed over.
            set("OMPI_COMM_WORLD_RANK", "first")
            expect(rank: 1, size: 4)
        }
    }

    @Test("a silenced process prints nothing more, and keeps its standard error aside") func silenced() async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
        ) {
            let errors = try LaunchedProcess.silence()
            say("lost output", to: STDOUT_FILENO)
            say("lost error", to: STDERR_FILENO)
            say("kept aside", to: errors)
        }
        let output = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        let errors = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(errors.contains("kept aside") && !errors.contains("lost") && !output.contains("lost"))
    }
}

private func set(_ name: String, _ value: String?) {
    if let value { unsafe setenv(name, value, 1) } else { unsafe unsetenv(name) }
}

private func expect(rank: Int?, size: Int?) {
    if LaunchedProcess.rank != rank || LaunchedProcess.size != size { exit(1) }
}

private func say(_ text: String, to descriptor: Int32) {
    var text = text
    _ = text.withUTF8 { unsafe write(descriptor, $0.baseAddress!, $0.count) }
}
