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

struct DataTests {
    private func reason(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing was thrown"
        } catch {
            return "\(error)"
        }
    }

    private func safetensors(_ header: String, dataBytes: Int, claimed: Int? = nil) -> [UInt8] {
        let json = Array(header.utf8)
        let length = claimed ?? json.count
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + json
            + Array(repeating: 0, count: dataBytes)
    }

    @Test("a byte file and a .bin file give the tokens that are in them") func tokenFiles() throws {
        let folder = try Folder()
        #expect(try TokenFile(path: folder.file("a.txt", [1, 2, 255])).count == 3)
        #expect(try TokenFile(path: folder.file("a.bin", [1, 0, 2, 1])).count == 2)
        var llmc: [UInt8] = Array(repeating: 0, count: 1024) + [7, 0, 8, 0, 9, 0]
        for (index, word) in [UInt32(20_240_520), 1, 3].enumerated() {
            for byte in 0..<4 { llmc[4 * index + byte] = UInt8(truncatingIfNeeded: word >> UInt32(8 * byte)) }
        }
        #expect(try TokenFile(path: folder.file("llmc.bin", llmc)).count == 3)
        llmc[8] = 4
        #expect(
            reason { _ = try TokenFile(path: folder.file("lies.bin", llmc)) }.contains("version 1 and 4 tokens"))
    }

    @Test("files that cannot be tokens are refused with the reason") func badTokenFiles() throws {
        let folder = try Folder()
        #expect(reason { _ = try TokenFile(path: folder.file("odd.bin", [1, 2, 3])) }.contains("3 bytes"))
        #expect(reason { _ = try TokenFile(path: folder.file("none.txt", [])) }.contains("holds no tokens"))
        #expect(reason { _ = try TokenFile(path: folder.path("missing")) }.contains("ENOENT"))
        #expect(reason { _ = try TokenFile(path: folder.url.path) }.contains("EISDIR"))
    }

    @Test("a token outside the vocabulary is refused with its position, if the run reads that far") func vocabulary()
        throws
    {
        let folder = try Folder()
        let path = try folder.file("t.txt", [5, 6, 200, 7])
        let file = try TokenFile(path: path)
        #expect(reason { try file.check(vocabulary: 100, used: 10, path: path) }.contains("token 200 at position 2"))
        try file.check(vocabulary: 100, used: 2, path: path)
        try file.check(vocabulary: 201, used: 10, path: path)
    }

    @Test("row b of step t starts at (tB + b)S and wraps; targets are shifted by one") func rows() throws {
        let folder = try Folder()
        let file = try TokenFile(path: folder.file("t.txt", Array(0..<10)))
        let segment = try Segment(bytes: 4096, backing: .privateMemory)
        let inputs = segment.arena.tokens(Region(offset: 0, bytes: 24))
        let targets = segment.arena.tokens(Region(offset: 64, bytes: 24))
        TokenSource.file(file).fill(step: 1, batch: 2, length: 3, vocabulary: 256, inputs: inputs, targets: targets)
        #expect((0..<6).map { inputs[$0] } == [6, 7, 8, 9, 0, 1])
        #expect((0..<6).map { targets[$0] } == [7, 8, 9, 0, 1, 2])
    }

    @Test("random tokens stay in the vocabulary, use all of it, and shift like a text's") func randomTokens() throws {
        let segment = try Segment(bytes: 1 << 16, backing: .privateMemory)
        let inputs = segment.arena.tokens(Region(offset: 0, bytes: 4 * 600))
        let targets = segment.arena.tokens(Region(offset: 8192, bytes: 4 * 600))
        TokenSource.random(seed: 3).fill(
            step: 4, batch: 20, length: 30, vocabulary: 11, inputs: inputs, targets: targets)
        #expect(Set((0..<600).map { inputs[$0] }) == Set(0..<11))
        for row in 0..<20 {
            #expect((1..<30).allSatisfy { inputs[row * 30 + $0] == targets[row * 30 + $0 - 1] })
        }
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
            #expect(file.values(parameter.name) == first.weights!.tensor(parameter).values)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["w.safetensors"])
        configuration.initial = file
        configuration.optimizer = .sgd(rate: 1e-30)
        #expect(try RunPlan(configuration).run().weights!.differences(from: first.weights!).isEmpty)
    }

    @Test("a checkpoint of another model is refused, with the tensor's name") func otherModel() throws {
        let folder = try Folder()
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (5, 4, 1, 1)
        (spec.hidden, spec.sequenceLength) = (4, 2)
        var configuration = RunConfiguration(model: spec.model(), schedule: .gpipe(ranks: 1, microbatches: 1))
        configuration.keepsWeights = true
        let path = folder.path("w.safetensors")
        try RunPlan(configuration).run().weights!.write(path)
        configuration.initial = try SafetensorsFile(path: path)
        spec.hidden = 6
        configuration.model = spec.model()
        #expect(reason { _ = try RunPlan(configuration) }.contains("layers.0.linear1.weight has shape [4, 4]"))
        (spec.hidden, spec.layers) = (4, 2)
        configuration.model = spec.model()
        #expect(reason { _ = try RunPlan(configuration) }.contains("has no tensor layers.1."))
        spec.architecture = .gpt
        configuration.model = spec.model()
        #expect(reason { _ = try RunPlan(configuration) }.contains("has no tensor transformer.wte.weight"))
    }

    @Test("a safetensors header that is not true of its file is refused") func lyingHeaders() throws {
        let folder = try Folder()
        func open(_ bytes: [UInt8]) throws -> String {
            reason { _ = try SafetensorsFile(path: folder.file("x", bytes)) }
        }
        func entry(_ dtype: String, _ shape: String, _ offsets: String) -> String {
            "{\"w\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}}"
        }
        #expect(try open([1, 2, 3]).contains("too few"))
        #expect(try open(safetensors("{}", dataBytes: 0, claimed: 1 << 60)).contains("its header is said to be"))
        #expect(try open(safetensors("{\"w\":", dataBytes: 8)).contains("not the JSON object"))
        #expect(try open(safetensors("[1]", dataBytes: 8)).contains("not the JSON object"))
        #expect(try open(safetensors(entry("F16", "[2]", "[0,4]"), dataBytes: 8)).contains("is F16; F32 is allowed"))
        #expect(try open(safetensors(entry("F32", "[2]", "[0,4]"), dataBytes: 8)).contains("takes 8 bytes"))
        #expect(try open(safetensors(entry("F32", "[2]", "[0,16]"), dataBytes: 8)).contains("outside"))
        #expect(try open(safetensors(entry("F32", "[2]", "[8,0]"), dataBytes: 8)).contains("outside"))
        #expect(try open(safetensors(entry("F32", "[2]", "[-8,0]"), dataBytes: 8)).contains("outside"))
        #expect(try open(safetensors(entry("F32", "[-2]", "[0,8]"), dataBytes: 8)).contains("impossible shape"))
        #expect(
            try open(safetensors(entry("F32", "[4611686018427387904,8]", "[0,8]"), dataBytes: 8)).contains("impossible")
        )
        let good = entry("F32", "[2]", "[0,8]").replacing("{\"w\"", with: "{\"__metadata__\":{\"a\":\"b\"},\"w\"")
        #expect(try open(safetensors(good, dataBytes: 8)) == "nothing was thrown")
    }

    @Test("a file that cannot be written is refused, and what was there stays") func unwritable() throws {
        let folder = try Folder()
        #expect(reason { try CheckpointImage.checkWritable(folder.path("no/such/folder/x")) }.contains("ENOENT"))
        #expect(reason { try CheckpointImage.checkWritable(folder.url.path) }.contains("it is a folder"))
        try CheckpointImage.checkWritable(folder.path("new"))
        try CheckpointImage.checkWritable(folder.file("old", [1]))
    }

    @Test("order statistics are numpy's") func statistics() {
        let values = Statistics([4, 1, 3, 2])
        #expect(values.median == 2.5 && values.min == 1 && values.max == 4 && values.mean == 2.5)
        #expect(values.quantile(0.25) == 1.75 && values.quantile(0.9) == 3.7 && values.quantile(1) == 4)
        #expect(Statistics([5]).median == 5)
        #expect(Statistics([1, 2, 3, 4, 5]).relativeSpread == 2.0 / 3)
    }
}
