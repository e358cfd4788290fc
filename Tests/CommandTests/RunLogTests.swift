// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("what a run writes besides its report") struct RunLogTests {
    private let folder: Folder
    private let tiny = [
        "--layers", "2", "--heads", "2", "--dim", "16", "--ffn", "24", "--vocab-size", "31", "--seq-len", "6",
        "--batch", "4", "--warmup", "2",
    ]

    init() throws { folder = try Folder() }

    private func lines(_ name: String) throws -> [[String]] {
        try String(contentsOfFile: folder.path(name), encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test("the log has a line for each step", arguments: ["threads", "processes"]) func written(transport: String)
        throws
    {
        let arguments = ["run", "--measure", "3", "--lr", "0.01", "--transport", transport] + tiny
        let report = try Command.json(arguments + ["--log", folder.path("log.csv")])
        let lines = try lines("log.csv")
        #expect(lines[0] == ["step", "measured", "loss", "lr", "tokens", "elapsed_s"])
        #expect(lines.dropFirst().map { $0[0] } == ["0", "1", "2", "3", "4"])
        #expect(lines.dropFirst().map { $0[1] } == ["0", "0", "1", "1", "1"])
        #expect(lines.dropFirst().allSatisfy { $0[3] == "0.01" && $0.count == 6 })
        // 4 sequences of 6 tokens a step.
        #expect(lines.dropFirst().map { $0[4] } == ["24", "48", "72", "96", "120"])
        let seconds = lines.dropFirst().compactMap { Double($0[5]) }
        #expect(seconds.count == 5 && seconds == seconds.sorted() && seconds[0] > 0)
        let loss = try #require(report["loss"] as? Double)
        #expect(abs(Double(lines[5][2])! - loss) < 1e-5)
        // The same steps under any transport: the first loss is that of a guess.
        #expect(abs(Double(lines[1][2])! - 3.434) < 0.5)
    }

    @Test("a log is written of a run that was stopped, or failed") func early() throws {
        let running = try Command.Running(
            [
                "run", "--measure", "1000000", "--no-timeline", "--transport", "processes", "--log",
                folder.path("log.csv"),
            ]
                + tiny)
        usleep(700_000)
        kill(try #require(running.children.first), SIGKILL)
        let outcome = running.wait()
        #expect(outcome.code == 70 && outcome.errorLines.count == 1)
        let steps = try lines("log.csv").dropFirst().map { Int($0[0])! }
        #expect(steps.count > 2 && steps == Array(0..<steps.count))
        // It goes through the same file as any: with a name that cannot be written, nothing runs.
        let refused = try Command.run(["run", "--log", folder.path("no/log.csv")] + tiny)
        #expect(refused.code == 65 && refused.output.isEmpty)
    }

    @Test("weights are stored as they are asked for, and what is converted is said") func types() throws {
        let file = folder.path("w.safetensors")
        let written = try Command.run(
            ["run", "--measure", "1", "--save", file, "--save-dtype", "bf16"] + tiny)
        #expect(
            written.code == 0 && written.output.contains("note: --save: the weights were rounded from fp32 to bf16\n"))
        let bytes = try Data(contentsOf: URL(filePath: file))
        let header = String(decoding: bytes.prefix(4000), as: UTF8.self)
        #expect(header.contains(#""dtype":"BF16""#) && !header.contains("F32"))
        let read = try Command.run(["run", "--measure", "1", "--init", file] + tiny)
        #expect(read.code == 0 && read.output.contains("note: --init \(file) holds BF16, converted to fp32\n"))
        let plain = try Command.run(["run", "--measure", "1", "--save", folder.path("p.safetensors")] + tiny)
        #expect(plain.code == 0 && !plain.output.contains("rounded"))
        let without = try Command.run(["run", "--save-dtype", "f16"])
        #expect(without.code == 64)
        #expect(without.errors == "ppthreads run: --save-dtype: nothing is stored without --save\n")
    }
}
