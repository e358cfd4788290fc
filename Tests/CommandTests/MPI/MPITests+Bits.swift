// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension MPITests {
    @Suite("bits") struct Bits {
        @Test(
            "two processes train to the bits of one stage, through rings and through MPI",
            arguments: [["--threads", "1,2"], ["--recompute"]])
        func two(flags: [String]) throws {
            let outcome = try MPIRun.run(
                [
                    "verify", "--transport", "mpi,mpi-only", "--stages", "2", "--microbatches", "3,4", "--steps", "2",
                    "--schedule", "gpipe,1f1b,interleaved,zb-v",
                ] + flags)
            #expect(outcome.code == 0, "\(outcome.errors)")
            try check(outcome.output)
        }

        @Test("so do four, which may have to share CPUs") func four() throws {
            let outcome = try MPIRun.run(
                [
                    "verify", "--transport", "mpi,mpi-only", "--stages", "4", "--microbatches", "8", "--arch",
                    "decoder", "--partition", "uniform", "--schedule", "1f1b,zb-h1",
                ], ranks: 4)
            #expect(outcome.code == 0, "\(outcome.errors)")
            try check(outcome.output)
        }

        /// Both transports had runs, and none of them differed.
        private func check(_ output: String) throws {
            let lines = output.split(separator: "\n")
            for transport in ["mpi", "mpi-only"] {
                let runs = lines.filter { $0.contains(" \(transport) P=") }
                #expect(!runs.isEmpty && runs.allSatisfy { $0.hasPrefix("equal ") }, "\(runs)")
            }
            #expect(lines.last?.contains(" 0 different") == true)
        }

        @Test(
            "weights and gradients that are saved are those of threads, all ranks' and written once",
            arguments: ["mpi", "mpi-only"])
        func saved(transport: String) throws {
            let folder = try Folder()
            func files(_ name: String) -> [String] {
                [
                    "--save", folder.path("\(name).safetensors"), "--save-grads",
                    folder.path("\(name)-grads.safetensors"),
                ]
            }
            let arguments = ["run", "--measure", "2"] + tiny
            let outcome = try MPIRun.run(arguments + ["--transport", transport] + files("mpi"))
            #expect(outcome.code == 0, "\(outcome.errors)")
            let threads = try ChildProcess(
                [MPIProgram.path] + arguments + ["--transport", "threads"] + files("threads")
            ).wait()
            #expect(threads.code == 0)
            for kind in ["", "-grads"] {
                let (own, expected) = try (
                    Data(contentsOf: URL(filePath: folder.path("mpi\(kind).safetensors"))),
                    Data(contentsOf: URL(filePath: folder.path("threads\(kind).safetensors")))
                )
                #expect(own == expected && own.count > 50_000, "\(kind)")
            }
            #expect(try folder.names().count == 4)
        }

        @Test("more processes than ranks look on, and change nothing") func more() throws {
            let two = try MPIRun.json(["run", "--transport", "mpi", "--measure", "2"] + tiny)
            let three = try MPIRun.json(["run", "--transport", "mpi", "--measure", "2"] + tiny, ranks: 3)
            let losses = try #require(two["loss_history"] as? [Double])
            #expect(losses.count == 5 && losses == three["loss_history"] as? [Double])
        }
    }
}
