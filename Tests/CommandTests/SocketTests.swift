// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct SocketTests {
    @Test("every schedule gives the one-stage run's bits over sockets, TCP and Unix") func sameBits() throws {
        let outcome = try Command.run(
            "verify", "--transport", "sockets,unix", "--stages", "1,2", "--microbatches", "3", "--layers", "4",
            "--steps", "1")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.hasSuffix("184 equal, 16 equal to rounding, 0 different, 40 that do not fit\n"))
    }

    #if DEBUG
        // Kernels without optimization take a minute for more; this still fills a Unix socket several times over.
        private let batch = "8192"
    #else
        private let batch = "65536"
    #endif

    /// Activations and gradients of 8 MiB, between layers that have little to compute.
    private var large: [String] {
        [
            "--arch", "gpt", "--heads", "1", "--dim", "16", "--ffn", "4", "--vocab-size", "2", "--seq-len", "4",
            "--batch", batch, "--microbatches", "2", "--warmup", "0", "--measure", "1",
        ]
    }

    @Test(
        "ranks that send each other more than the system holds, both at once, get on",
        arguments: ["sockets", "unix"], [["1f1b", "2"], ["interleaved", "4"]])
    func largeBothWays(transport: String, order: [String]) throws {
        let order = ["--schedule", order[0], "--layers", order[1], "--timeout", "20"]
        let report = try Command.json(["run", "--transport", transport] + large + order)
        #expect((report["loss_history"] as? [Double])?.count == 1)
    }

    @Test("a rank that waits for a socket sleeps", arguments: ["sockets", "unix"]) func waits(transport: String) throws
    {
        let running = try Command.Running(
            ["run", "--transport", transport, "--measure", "1000000", "--no-timeline"] + tiny)
        try running.waitUntilItComputes()
        let ranks = running.children
        kill(ranks[1], SIGSTOP)
        usleep(300_000)
        func ticks() -> Int {
            let stat = (try? String(contentsOfFile: "/proc/\(ranks[0])/stat", encoding: .utf8)) ?? ""
            let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
        }
        let before = ticks()
        usleep(1_500_000)
        // Of 150 that it could have; a hundredth of a second each.
        #expect(before > 0 && ticks() - before < 40, "\(ticks() - before) of 150")
        kill(ranks[1], SIGCONT)
        kill(running.process.processIdentifier, SIGINT)
        #expect(running.wait().code == 130)
    }

    @Test("bytes that were copied are counted at both ends, of activations and of gradients") func copiedBytes() throws
    {
        let steps = ["--warmup", "2", "--measure", "3", "--stages", "4", "--microbatches", "3"]
        let report = try Command.json(["run", "--transport", "sockets"] + tiny + steps)
        // Three edges; a microbatch of 12 / 3 sequences of 5 tokens, with 16 columns of 4 bytes; each way, each end, each step.
        #expect(report["handoff_bytes_copied"] as? Int == 3 * (3 * 4 * 5 * 16 * 4) * 2 * 2 * 5)
    }

    @Test("ranks hold the ends of their own edges and no other; the parent holds none") func descriptors() throws {
        let running = try Command.Running(
            ["run", "--transport", "sockets", "--measure", "1000000", "--stages", "3", "--layers", "6"]
                + tiny.dropFirst(2))
        /// Of each rank, beyond what the parent has too: that it was started with, and an end would not be in all ranks.
        func ends() -> [Int?] {
            let inherited = sockets(of: running.process.processIdentifier)
            return running.children.map { rank in
                let own = sockets(of: rank)
                return own.isSuperset(of: inherited) ? own.count - inherited.count : nil
            }
        }
        let deadline = Date.now.addingTimeInterval(20)
        while ends() != [2, 4, 2] && Date.now < deadline { usleep(5000) }
        #expect(ends() == [2, 4, 2])
    }

    private func sockets(of process: Int32) -> Set<String> {
        let folder = "/proc/\(process)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let targets = names.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
        }
        return Set(targets.filter { $0.hasPrefix("socket:") })
    }

    @Test("too few descriptors for the sockets are told of in one line", arguments: ["sockets", "unix"])
    func fewDescriptors(transport: String) throws {
        let outcome = try Command.run(
            ["run", "--transport", transport, "--stages", "8", "--layers", "8"] + tiny.dropFirst(2),
            through: ["/bin/sh", "-c", "ulimit -n 16; exec \"$0\" \"$@\""])
        #expect(outcome.code == 70)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.hasPrefix("ppthreads run: the ranks could not be connected by sockets: "))
        #expect(outcome.errors.contains(": EMFILE ("))
    }
}
