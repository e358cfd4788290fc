// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The command under mpirun, on this host and on several that are namespaces of it. One test after the other: each takes all CPUs.
@Suite("over MPI", .serialized, .enabled(if: MPIProgram.isThere && !Sanitizer.isOn)) struct MPITests {
    /// A run that ends only when it is ended.
    static let endless = ["run", "--transport", "mpi", "--measure", "1000000", "--no-timeline", "--json"] + tiny
}

/// The command as it is built without MPI.
struct NoMPITests {
    private static let isBuiltWithIt: Bool = {
        #if MPI
            true
        #else
            false
        #endif
    }()

    @Test(
        "a command without MPI says how to get one with it, in one line", .enabled(if: !isBuiltWithIt),
        arguments: ["mpi", "mpi-only"])
    func absent(transport: String) throws {
        for command in ["run", "compare"] {
            let outcome = try Command.run([command, "--transport", transport] + tiny)
            #expect(outcome.code == 64 && outcome.output.isEmpty)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.errors.contains("--transport: \(transport): this ppthreads was built without MPI"))
            #expect(outcome.errors.contains("swift build -c release --traits MPI"))
        }
    }

    @Test("doctor shows one machine, and no processes, without MPI", .enabled(if: !isBuiltWithIt)) func doctor() throws
    {
        let outcome = try Command.run("doctor")
        #expect(outcome.code == 0 && !outcome.output.contains("processes of"))
    }
}
