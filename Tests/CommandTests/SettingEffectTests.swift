// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

/// Settings of a run followed to what they do.
struct SettingEffectTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func run(_ flags: String...) throws {
        let outcome = try Command.run(["run", "--warmup", "0"] + tiny + flags)
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    /// The tensors of a checkpoint in the folder.
    private func tensors(_ name: String) throws -> [String: [Float]] {
        let file = try SafetensorsFile(path: folder.path(name))
        return Dictionary(uniqueKeysWithValues: try file.names.map { ($0, try file.values($0)) })
    }

    @Test("sgd takes the learning rate times the gradient off each weight", arguments: ["gpt", "decoder"])
    func gradientDescent(architecture: String) throws {
        let rate: Float = 0.375
        try run("--arch", architecture, "--forward-only", "--measure", "1", "--save", folder.path("before"))
        try run(
            "--arch", architecture, "--optimizer", "sgd", "--lr", "\(rate)", "--measure", "1", "--save",
            folder.path("after"), "--save-grads", folder.path("gradients"))
        let (before, after, gradients) = (try tensors("before"), try tensors("after"), try tensors("gradients"))
        #expect(before.count == after.count && before.count == gradients.count && before.count > 20)
        var moved = 0
        for (name, start) in before {
            let (end, gradient) = (try #require(after[name]), try #require(gradients[name]))
            for index in start.indices {
                // One rounding of the product, one of the difference; or one of both.
                let expected = Double(start[index]) - Double(rate) * Double(gradient[index])
                let rounding = 0x1p-23 * (abs(Double(start[index])) + abs(expected))
                if abs(Double(end[index]) - expected) > rounding {
                    Issue.record("\(name)[\(index)]: \(end[index]), not \(expected)")
                }
                if end[index] != start[index] { moved += 1 }
            }
        }
        #expect(moved > 1000)
    }

    @Test("a learning rate of 0 leaves all weights as they are", arguments: ["adam", "sgd"])
    func noRate(optimizer: String) throws {
        try run("--forward-only", "--measure", "1", "--save", folder.path("before"))
        try run("--optimizer", optimizer, "--lr", "0", "--measure", "3", "--save", folder.path("after"))
        let (before, after) = (try tensors("before"), try tensors("after"))
        #expect(before.mapValues { $0.map(\.bitPattern) } == after.mapValues { $0.map(\.bitPattern) })
    }

    @Test("the seed draws the tokens too: the same weights have other losses, and those of the same seed the same")
    func tokens() throws {
        try run("--forward-only", "--measure", "1", "--save", folder.path("start"))
        func losses(_ seed: String) throws -> [Double] {
            let report = try Command.json(
                ["run", "--forward-only", "--init", folder.path("start"), "--seed", seed, "--measure", "2"] + tiny)
            return try #require(report["loss_history"] as? [Double])
        }
        let (zero, one) = (try losses("0"), try losses("1"))
        #expect(zip(zero, one).allSatisfy { abs($0 - $1) > 1e-5 })
        #expect(try losses("1") == one)
    }

    @Test(
        "the feed-forward's standard width is four times a gpt's, and the reference study's 2048 for a decoder",
        arguments: [("gpt", "24", 96), ("gpt", "10", 40), ("decoder", "24", 2048)])
    func feedForward(architecture: String, dim: String, expected: Int) throws {
        let model = [
            "--arch", architecture, "--dim", dim, "--heads", "2", "--layers", "2", "--vocab-size", "31", "--seq-len",
            "5", "--measure", "1", "--warmup", "0",
        ]
        let standard = try Command.json(["run"] + model)
        #expect(standard["ffn"] as? Int == expected)
        let given = try Command.json(["run"] + model + ["--ffn", "\(expected)"])
        #expect(given["parameters"] as? Int == standard["parameters"] as? Int)
        #expect(given["loss"] as? Double == standard["loss"] as? Double)
        let other = try Command.json(["run"] + model + ["--ffn", "\(expected + 1)"])
        #expect(other["parameters"] as? Int != standard["parameters"] as? Int)
    }

    @Test(
        "a rank that takes longer than --timeout ends the run with that time, and one that does not, does not",
        .enabled(if: CompiledLibrary.isPossible))
    func timeout() throws {
        let source = CompiledLibrary.products(
            before: """
                static int calls;
                char name[17] = "";
                prctl(PR_GET_NAME, name);
                if (strcmp(name, "rank 1") == 0 && calls++ == 0) usleep(1500000);
                """)
        let library = try CompiledLibrary.compile(source, in: folder, name: "slow")
        let arguments = ["run", "--gemm", library, "--warmup", "0", "--measure", "1"] + tiny
        let short = try Command.run(arguments + ["--timeout", "0.25"])
        #expect(short.code == 70 && short.errorLines.count == 1, "\(short)")
        #expect(short.errors.hasPrefix("ppthreads run: rank 1 hangs or is slower than --timeout allows, "))
        #expect(short.errors.contains(": rank 0 waited 0."), "\(short.errors)")
        #expect(try Command.run(arguments + ["--timeout", "30"]).code == 0)
    }

    @Test("a rank's report may be as long as thousands of steps make it") func manySteps() throws {
        let arguments = [
            "run", "--layers", "2", "--heads", "1", "--dim", "4", "--ffn", "4", "--vocab-size", "7", "--seq-len", "1",
            "--batch", "2", "--microbatches", "1", "--warmup", "0", "--measure", "6000", "--no-timeline",
        ]
        // More than 64 KiB, which is one read, of moments alone.
        let threads = try Command.json(arguments)
        let processes = try Command.json(arguments + ["--transport", "processes"])
        #expect((processes["step_s"] as? [Double])?.count == 6000)
        let losses = try #require(processes["loss_history"] as? [Double])
        #expect(losses.count == 6000 && losses == threads["loss_history"] as? [Double])
        #expect((processes["step_s"] as? [Double])?.allSatisfy { $0 > 0 && $0 < 10 } == true)
    }
}
