// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What `--data`, `--init` and `--save` say of the files that they are given.
struct DataFileTests {
    private let small = [
        "--n-layers", "4", "--n-heads", "2", "--dim", "8", "--ffn", "16", "--vocab-size", "17", "--seq-len", "4",
        "--batch-size", "4", "--microbatches", "4", "--warmup", "0", "--measure", "2",
    ]

    private func words(_ count: Int, bytes: Int) -> [UInt8] {
        (0..<count).flatMap { [UInt8($0 * 5 % 17)] + Array(repeating: 0, count: bytes - 1) }
    }

    @Test("run, compare and sweep say how a file's tokens were read, and how many there are") func layouts() throws {
        let folder = try Folder()
        let upper = try folder.file("upper_case.BIN", words(500, bytes: 2))
        let run = try Command.run(["run", "--data", upper] + small)
        #expect(run.code == 0 && run.output.contains("data       \(upper): 500 tokens, read as 16-bit tokens"))
        let report = try Command.json(["run", "--data", upper, "--data-format", "bytes"] + small)
        let data = try #require(report["data"] as? [String: Any])
        #expect(data["path"] as? String == upper && data["layout"] as? String == "bytes")
        #expect(data["tokens"] as? Int == 1000)
        #expect(try Command.json(["run"] + small)["data"] is NSNull?)
        let grid = ["--schedule", "gpipe,1f1b", "--transport", "threads", "--data", upper]
        let compare = try Command.run(["compare", "--trials", "1"] + grid + small)
        #expect(compare.output.contains("data: \(upper): 500 tokens, read as 16-bit tokens"))
        let compared = try Command.json(["compare", "--trials", "1"] + grid + small)
        #expect((compared["data"] as? [String: Any])?["tokens"] as? Int == 500)
        let sweep = try Command.run(["sweep", "--out", folder.path("o.csv")] + grid + small)
        #expect(sweep.code == 0)
        #expect(sweep.errors.contains("data    \(upper): 500 tokens, read as 16-bit tokens\n"))
    }

    @Test("tokens of 32 bits that are read as 16-bit ones are told of, and can be read as what they are")
    func wideTokens() throws {
        let folder = try Folder()
        let path = try folder.file("u32_no_header.bin", words(500, bytes: 4))
        let guessed = try Command.run(["run", "--data", path] + small)
        #expect(guessed.code == 0 && guessed.output.contains("1 000 tokens, read as 16-bit tokens"))
        #expect(guessed.output.contains("note: --data \(path): every other one of its 16-bit tokens is (close to) 0"))
        let told = try Command.run(["run", "--data", path, "--data-format", "u32"] + small)
        #expect(told.output.contains("500 tokens, read as 32-bit tokens") && !told.output.contains("note: --data"))
        // The same tokens in 16 bits train the same.
        let narrow = try folder.file("narrow.bin", words(500, bytes: 2))
        let losses = try [["--data", path, "--data-format", "u32"], ["--data", narrow]].map {
            try Command.json(["run"] + $0 + small)["loss_history"] as? [Double]
        }
        #expect(losses[0] != nil && losses[0] == losses[1])
    }

    @Test("the vocabulary is that of the tokens unless given") func vocabulary() throws {
        let folder = try Folder()
        let sizes = [
            "--n-layers", "1", "--n-heads", "1", "--dim", "2", "--ffn", "2", "--seq-len", "2", "--batch-size", "1",
            "--microbatches", "1", "--stages", "1", "--warmup", "0", "--measure", "1",
        ]
        for (name, bytes, vocabulary) in [("t.txt", 1, 256), ("t.bin", 2, 50257), ("t.u32", 4, 128_256)] {
            let path = try folder.file(name, words(20, bytes: bytes))
            #expect(try Command.json(["run", "--data", path] + sizes)["vocab_size"] as? Int == vocabulary)
        }
    }

    private static let limit = ["/bin/sh", "-c", "ulimit -v 3000000; exec \"$0\" \"$@\""]
    /// A sanitizer's program has more addresses than that by itself.
    private static let limitIsPossible = (try? Command.run(["run", "--measure", "1"] + tiny, through: limit).code) == 0

    @Test("a file larger than the memory that there is trains, if little of it is used", .enabled(if: limitIsPossible))
    func largeFile() throws {
        let folder = try Folder()
        let path = try folder.file("large.bin", words(500, bytes: 2))
        // A hole, which takes no room on the disk.
        #expect(unsafe truncate(path, 6 << 30) == 0)
        let run = try Command.run(["run", "--data", path] + small, through: Self.limit)
        #expect(run.code == 0, "\(run.errors)")
        #expect(run.output.contains("3 221 225 472 tokens, read as 16-bit tokens"))
        let outside = try Command.run(["run", "--data", path] + small + ["--vocab-size", "16"], through: Self.limit)
        #expect(outside.errors.hasSuffix("is outside the vocabulary of 16\n") && outside.code == 65)
        // A checkpoint is read piece by piece too, and a CSV that does not fit is a sentence.
        let checkpoint = try Command.run(["run", "--init", path] + small, through: Self.limit)
        #expect(checkpoint.code == 65 && checkpoint.errorLines.count == 1)
        let csv = try Command.run(["analyze", path], through: Self.limit)
        #expect(csv.code == 65 && csv.errorLines.count == 1)
        #expect(csv.errors.contains("has 6.0 GiB; to read them takes about 6.0 GiB of memory, and "))
        #expect(csv.errors.contains(" are available under the limit of 2.9 GiB on each process (ulimit -v)"))
    }

    @Test(
        "a file that is cut off while ranks train on it ends the run with a sentence",
        arguments: ["threads", "processes"])
    func shrinkingFile(transport: String) throws {
        let folder = try Folder()
        let path = try folder.file("t.u32", words(40_000, bytes: 4))
        // Nobody has to wait out the timeout: the rank that fails ends the others.
        let running = try Command.Running(
            ["run", "--data", path, "--transport", transport, "--timeout", "86400"] + small
                + ["--measure", "1000000"])
        Thread.sleep(forTimeInterval: 1)
        #expect(unsafe truncate(path, 2000) == 0)
        let outcome = running.wait()
        #expect(outcome.code == 65 && outcome.errorLines.count == 1, "\(outcome.code) \(outcome.errors)")
        let start = "ppthreads run: \(path): has shrunk while it was in use: it had 160000 bytes and has 2000; rank "
        #expect(outcome.errors.hasPrefix(start) && outcome.errors.contains(" could not go on before step "))
    }

    @Test("figures of tokens that were changed while ranks trained on them are not reported") func changingFile() throws
    {
        let folder = try Folder()
        let path = try folder.file("t", (0..<40_000).map { UInt8($0 % 17) })
        let running = try Command.Running(["run", "--data", path] + small + ["--measure", "1000000"])
        try running.waitUntilItComputes()
        try FileHandle(forWritingTo: URL(filePath: path)).write(contentsOf: Data(repeating: 3, count: 40_000))
        kill(running.process.processIdentifier, SIGINT)
        let outcome = running.wait()
        #expect(outcome.code == 65 && outcome.output == "")
        #expect(outcome.errors.hasSuffix("\(path): has other tokens than when this command opened it\n"))
    }

    @Test("what may be read wrongly is a note: bytes the wrong way round") func swappedTokens() throws {
        let folder = try Folder()
        let path = try folder.file("t.bin", (0..<100).flatMap { [0, UInt8($0 % 17)] })
        let run = try Command.run(["run", "--data", path] + small + ["--vocab-size", "5000"])
        #expect(
            run.output.contains("note: --data \(path): all of its 16-bit tokens are multiples of 256, as in a file"))
    }

    // MARK: Checkpoints

    @Test("--init says that it is no resume, and what a file without settings leaves unchecked") func initNotes() throws
    {
        let folder = try Folder()
        let path = folder.path("w.safetensors")
        #expect(try Command.run(["run", "--save", path] + small).code == 0)
        let ours = try Command.run(["run", "--init", path] + small)
        #expect(ours.code == 0)
        #expect(
            ours.output.contains("note: --init \(path) gave the weights alone: the optimizer's state, the step and"))
        #expect(!ours.output.contains("heads its model has"))
        let other = try Command.run(["run", "--init", path] + small + ["--n-heads", "4"])
        #expect(other.code == 65)
        #expect(other.errors == "ppthreads run: \(path): is of a model with heads 2; --heads is 4 here\n")
        // As PyTorch's files are: the same without our metadata.
        let saved = try Data(contentsOf: URL(filePath: path))
        let length = saved.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = String(decoding: saved[8..<8 + length], as: UTF8.self)
        let foreign = header.replacing(/ppthreads\.heads/, with: "somebody.heads")
        #expect(header.contains(#""ppthreads.heads":"2""#) && header.contains(#""ppthreads.steps":"2""#))
        #expect(header.contains(#""ppthreads.commit":""#) && header.contains(#""ppthreads.version":""#))
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: foreign.utf8.count >> (8 * $0)) }
        let renamed = try folder.file("f.safetensors", bytes + Array(foreign.utf8) + saved[(8 + length)...])
        let loaded = try Command.run(["run", "--init", renamed] + small + ["--n-heads", "4"])
        #expect(loaded.code == 0, "\(loaded.errors)")
        #expect(loaded.output.contains("note: --init \(renamed) does not say how many heads its model has"))
    }

    @Test(
        "a checkpoint's names of other formats are refused before anything runs",
        arguments: [
            "m.pt", "m.PTH", "m.bin", "m.npz", "m.npy", "m.onnx", "m.gguf", "m.h5", "m.ckpt", "m.pkl",
        ])
    func otherNames(name: String) throws {
        let folder = try Folder()
        for flag in ["--save", "--save-grads"] {
            let outcome = try Command.run(["run", flag, folder.path(name)] + small)
            #expect(outcome.code == 64)
            let expected =
                "ppthreads run: \(flag): '\(folder.path(name))' is not allowed; safetensors is what is written: "
                + "\(folder.path("m")).safetensors, say\n"
            #expect(outcome.errors == expected)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }
}
