// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import SharedTensor
import Testing

/// A folder that is gone with the value.
final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = url.appending(path: name).path
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }
    func path(_ name: String) -> String { url.appending(path: name).path }
}

/// What is thrown, in words.
func reason(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "nothing was thrown"
    } catch {
        return "\(error)"
    }
}

struct DataTests {
    @Test("row b of step t starts at (tB + b)S and wraps; targets are shifted by one") func rows() throws {
        let folder = try Folder()
        let file = try TokenFile(path: folder.file("t.txt", Array(0..<10)))
        let segment = try Segment(bytes: 4096, backing: .privateMemory)
        let inputs = segment.arena.tokens(Region(offset: 0, bytes: 24))
        let targets = segment.arena.tokens(Region(offset: 64, bytes: 24))
        try TokenSource.file(file).fill(step: 1, batch: 2, length: 3, vocabulary: 256, inputs: inputs, targets: targets)
        #expect((0..<6).map { inputs[$0] } == [6, 7, 8, 9, 0, 1])
        #expect((0..<6).map { targets[$0] } == [7, 8, 9, 0, 1, 2])
    }

    @Test("random tokens stay in the vocabulary, use all of it, and shift like a text's") func randomTokens() throws {
        let segment = try Segment(bytes: 1 << 16, backing: .privateMemory)
        let inputs = segment.arena.tokens(Region(offset: 0, bytes: 4 * 600))
        let targets = segment.arena.tokens(Region(offset: 8192, bytes: 4 * 600))
        try TokenSource.random(seed: 3).fill(
            step: 4, batch: 20, length: 30, vocabulary: 11, inputs: inputs, targets: targets)
        #expect(Set((0..<600).map { inputs[$0] }) == Set(0..<11))
        for row in 0..<20 {
            #expect((1..<30).allSatisfy { inputs[row * 30 + $0] == targets[row * 30 + $0 - 1] })
        }
        // Another step has others, and another row of it; the same step has the same.
        let before = (0..<600).map { inputs[$0] }
        #expect(before.prefix(30) != before.dropFirst(30).prefix(30))
        try TokenSource.random(seed: 3).fill(
            step: 5, batch: 20, length: 30, vocabulary: 11, inputs: inputs, targets: targets)
        #expect((0..<600).map { inputs[$0] } != before)
        try TokenSource.random(seed: 3).fill(
            step: 4, batch: 20, length: 30, vocabulary: 11, inputs: inputs, targets: targets)
        #expect((0..<600).map { inputs[$0] } == before)
    }

    @Test("a saved checkpoint reads back to the bit, and starts a run where the other stopped") func checkpoint() throws
    {
        let folder = try Folder()
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (17, 12, 2, 2)
        (spec.hidden, spec.sequenceLength) = (20, 4)
        var configuration = RunConfiguration(model: spec.model(), schedule: .oneFOneB(ranks: 2, microbatches: 2))
        configuration.batchSize = 4
        configuration.optimizer = .sgd(rate: 0.1)
        configuration.keepsWeights = true
        let first = try RunPlan(configuration).run()
        let path = folder.path("w.safetensors")
        try first.weights!.write(path)
        let file = try SafetensorsFile(path: path)
        #expect(file.names == first.plan.parameters.map(\.name).sorted())
        for parameter in first.weights!.parameters {
            #expect(file.shape(of: parameter.name) == parameter.shape.dimensions)
            #expect(try file.values(parameter.name) == first.weights!.tensor(parameter).values)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["w.safetensors"])
        configuration.initial = file
        configuration.optimizer = .sgd(rate: 1e-30)
        #expect(try RunPlan(configuration).run().weights!.differences(from: first.weights!).isEmpty)
    }

    @Test("a file that cannot be written is refused, and what was there stays") func unwritable() throws {
        let folder = try Folder()
        #expect(reason { _ = try OutputFile(folder.path("no/such/folder/x")) }.contains("ENOENT"))
        #expect(reason { _ = try OutputFile(folder.url.path) }.contains("it is a folder"))
        try OutputFile(folder.path("new")).checkWritable()
        try OutputFile(folder.file("old", [1])).checkWritable()
    }

    @Test("order statistics are numpy's") func statistics() {
        let values = Statistics([4, 1, 3, 2])
        #expect(values.median == 2.5 && values.min == 1 && values.max == 4 && values.mean == 2.5)
        #expect(values.quantile(0.25) == 1.75 && values.quantile(0.9) == 3.7 && values.quantile(1) == 4)
        #expect(Statistics([5]).median == 5)
        #expect(Statistics([1, 2, 3, 4, 5]).relativeSpread == 2.0 / 3)
    }
}
