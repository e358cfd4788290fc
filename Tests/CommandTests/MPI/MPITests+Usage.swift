// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension MPITests {
    @Suite("usage") struct Usage {
        private static let wrong: [(arguments: [String], code: Int32, text: String)] = [
            (["run", "--transport", "mpi", "--stages", "3"], 64, "3 ranks take as many processes, and there are 2"),
            (["run", "--transport", "mpi-only", "--stages", "4"], 64, "4 ranks take as many processes"),
            (["run", "--transport", "mpi", "--mesure", "3"], 64, "--mesure"),
            (["run", "--transport", "mpi", "--stages", "0"], 64, "--stages: '0' is not allowed"),
            (["run", "--transport", "mpi", "--intra-node", "tcp"], 64, "--intra-node: 'tcp' is not allowed"),
            (["run", "--transport", "mpi", "--init", "none.safetensors"], 65, "none.safetensors: cannot be read"),
            (["run", "--transport", "mpi", "--save", "/dev/null/w.safetensors"], 65, "/dev/null/w.safetensors"),
            (["compare", "--transport", "mpi,threads", "--stages", "4"], 64, "4 ranks take as many processes"),
            (["sweep", "--transport", "mpi", "--out", "/dev/null/results.csv"], 65, "/dev/null/results.csv"),
            (["run", "--transport", "threads"], 64, "a launcher has started 2 of this command"),
            (["run", "--transport", "mpi", "--pin", "99999"], 64, "CPU 99999 is not one this program may use"),
        ]

        @Test(
            "what is wrong is said once, whatever the number of processes, and the code is the command's",
            arguments: wrong)
        func once(arguments: [String], code: Int32, text: String) throws {
            let run = try MPIRun([MPIProgram.path] + arguments)
            let outcome = run.wait()
            #expect(outcome.code == code && outcome.output.isEmpty, "\(outcome.output)")
            #expect(outcome.errorLines.count == 1 && outcome.errors.contains(text), "\(outcome.errors)")
            // Open MPI's launcher can be made quiet, and is.
            if !MPIProgram.isMPICH { #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)") }
            #expect(run.isGone())
        }

        @Test("without mpirun there is one process: the line says how to start more") func alone() throws {
            let end = try ChildProcess([MPIProgram.path, "run", "--transport", "mpi"] + tiny).wait()
            let errors = String(decoding: end.errors, as: UTF8.self)
            #expect(end.code == 64 && end.output.isEmpty)
            #expect(errors.split(separator: "\n").count == 1 && errors.contains("mpirun -n 2"), "\(errors)")
        }

        @Test("doctor shows the host once, and what the launcher gave each process is nothing to warn of") func doctor()
            throws
        {
            let outcome = try MPIRun.run(["doctor"])
            #expect(outcome.code == 0 && outcome.output.components(separatedBy: "\nhost ").count == 2)
            #expect(outcome.output.contains(": ranks 0, 1\n") && outcome.output.contains("\nof the launcher "))
            #expect(!outcome.output.contains("one CPU"), "\(outcome.output)")
        }

        @Test("one rank needs no mpirun") func oneRank() throws {
            let end = try ChildProcess([MPIProgram.path, "run", "--transport", "mpi", "--stages", "1"] + tiny).wait()
            #expect(end.code == 0 && String(decoding: end.output, as: UTF8.self).contains(" on mpi, P=1"))
        }

        @Test("--intra-node mpi is the transport mpi-only") func intraNode() throws {
            let run = ["run", "--transport", "mpi", "--measure", "1"] + tiny
            let rings = try MPIRun.json(run)
            let messages = try MPIRun.json(run + ["--intra-node", "mpi"])
            #expect(rings["transport"] as? String == "mpi" && messages["transport"] as? String == "mpi-only")
            // Rings hand on in place; MPI copies at both ends: 4 microbatches, 4 steps, both ways, of 3 x 5 x 16 floats.
            #expect(rings["handoff_bytes_copied"] as? Int == 0)
            #expect(messages["handoff_bytes_copied"] as? Int == 2 * 2 * 4 * 4 * 960)
        }

        @Test("processes that have other things to do than the first are refused, with the first word that differs")
        func otherArguments() throws {
            let flags = ["run", "--transport", "mpi"] + tiny
            let (first, other) = (flags + ["--seed", "1"], flags + ["--seed", "2"])
            let run = try MPIRun([MPIProgram.path] + first + [":", "-n", "1", MPIProgram.path] + other, ranks: 1)
            let outcome = run.wait()
            #expect(outcome.code == 64 && outcome.errorLines.count == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains("was started with other arguments than rank 0: '2', where rank 0 has '1'"))
            #expect(run.isGone())
        }

        @Test(
            "another file at the same path on one process's side is refused, with its rank",
            arguments: ["--init", "--schedule"])
        func otherFile(flag: String) throws {
            let folders = try (Folder(), Folder())
            for (folder, number) in [(folders.0, "0"), (folders.1, "1")] {
                let order = ["gpipe", "1f1b"][Int(number)!]
                let words =
                    flag == "--init"
                    ? ["run", "--measure", "1", "--seed", number, "--save", folder.path("file")] + tiny
                    : ["schedule", order, "--stages", "2", "--microbatches", "4", "--csv", folder.path("file.csv")]
                #expect(try ChildProcess([MPIProgram.path] + words).wait().code == 0)
            }
            let script =
                "if [ \"${OMPI_COMM_WORLD_RANK:-$PMI_RANK}\" = 1 ]; then cd \"$1\"; else cd \"$0\"; fi; shift; exec \"$@\""
            let outcome = try MPIRun(
                [
                    "/bin/sh", "-c", script, folders.0.url.path, folders.1.url.path, MPIProgram.path, "run",
                    "--transport", "mpi", flag,
                ]
                    + [flag == "--init" ? "file" : "file.csv"] + tiny
            ).wait()
            #expect(outcome.code == 64 && outcome.errorLines.count == 1, "\(outcome.errors)")
            #expect(
                outcome.errors.contains("\(flag): rank 1, on ")
                    && outcome.errors.contains("has another one than rank 0"))
        }

        @Test("transports that fork their ranks do not go beside MPI", arguments: ["compare", "verify"])
        func forks(command: String) throws {
            let outcome = try MPIRun.run(
                [command, "--transport", "mpi,processes", "--schedule", "1f1b", "--stages", "2", "--microbatches", "4"])
            if command == "compare" {
                #expect(
                    outcome.code == 64 && outcome.errors.contains("--transport: processes: forks its ranks"),
                    "\(outcome.errors)")
            } else {
                #expect(outcome.code == 0 && outcome.output.contains("processes: forks its ranks"), "\(outcome.errors)")
            }
        }

        @Test("a file that is missing for one process alone is told of once, with that rank") func fileOfOne() throws {
            let folder = try Folder()
            let weights = folder.path("w.safetensors")
            let saved = try ChildProcess([MPIProgram.path, "run", "--measure", "1", "--save", weights] + tiny).wait()
            #expect(saved.code == 0)
            // The second process looks from another folder.
            let script =
                "[ \"${OMPI_COMM_WORLD_RANK:-$PMI_RANK}\" = 1 ] && cd / || cd \"$0\" || exit 99; exec \"$@\""
            let run = try MPIRun(
                [
                    "/bin/sh", "-c", script, folder.url.path, MPIProgram.path, "run", "--transport", "mpi", "--init",
                    "w.safetensors",
                ] + tiny)
            let outcome = run.wait()
            #expect(outcome.code == 65)
            #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
            #expect(
                outcome.errors.contains("w.safetensors") && outcome.errors.contains("rank 1, on "), "\(outcome.errors)")
            #expect(run.isGone())
        }
    }
}
