// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import SharedTensor
import Testing

/// What the format promises, each promise broken once.
struct SafetensorsTests {
    private func file(_ header: String, dataBytes: Int, claimed: Int? = nil) -> [UInt8] {
        let json = Array(header.utf8)
        let length = claimed ?? json.count
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + json
            + Array(repeating: 0, count: dataBytes)
    }

    private func refusal(_ bytes: [UInt8]) throws -> String {
        let folder = try Folder()
        return reason { _ = try SafetensorsFile(path: folder.file("x", bytes)) }
    }

    private func entry(_ name: String, _ shape: String, _ offsets: String, dtype: String = "F32") -> String {
        #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    @Test("a file that is whole is read: scalars, tensors without elements, any order, spaces behind, metadata")
    func goodFiles() throws {
        let good = [
            ("{}", 0), ("{}   ", 0), (#"{"__metadata__":{"format":"pt"}}"#, 0),
            ("{\(entry("s", "[]", "[0,4]"))}", 4),
            ("{\(entry("b", "[2]", "[4,12]")),\(entry("a", "[1]", "[0,4]"))}", 12),
            ("{\(entry("none", "[0,7]", "[4,4]")),\(entry("a", "[1]", "[0,4]")),\(entry("b", "[1]", "[4,8]"))}", 8),
            ("{ \(entry("a", "[ 1 , 1 ]", "[ 0 , 4 ]")) }\n \t\r", 4),
            (#"{"caf\u00e9 \ud83d\ude00 \"\\\/\n":{"shape":[1],"data_offsets":[0,4],"dtype":"F32"}}"#, 4),
        ]
        for (header, bytes) in good {
            #expect(try refusal(file(header, dataBytes: bytes)) == "nothing was thrown", "\(header)")
        }
        let folder = try Folder()
        let path = try folder.file("x", file(good[7].0, dataBytes: 4))
        #expect(try SafetensorsFile(path: path).names == ["caf\u{e9} \u{1F600} \"\\/\n"])
        let metadata = try folder.file("m", file(good[2].0, dataBytes: 0))
        #expect(try SafetensorsFile(path: metadata).metadata == ["format": "pt"])
    }

    @Test("tensors that share bytes, and bytes that no tensor has, are refused with their names") func places() throws {
        func refusal(_ entries: [String], _ dataBytes: Int) throws -> String {
            try self.refusal(file("{\(entries.joined(separator: ","))}", dataBytes: dataBytes))
        }
        let (a, b) = (entry("a", "[2]", "[0,8]"), entry("b", "[2]", "[8,16]"))
        #expect(try refusal([a, b], 16) == "nothing was thrown")
        let overlap = try refusal([a, entry("b", "[3]", "[4,16]")], 16)
        #expect(overlap.contains("tensors a and b share bytes: they lie at [0, 8] and [4, 16]"))
        #expect(try refusal([a, entry("b", "[2]", "[0,8]")], 8).contains("tensors a and b share bytes"))
        #expect(try refusal([entry("b", "[4]", "[0,16]"), entry("a", "[2]", "[8,16]")], 16).contains("share bytes"))
        #expect(try refusal([a, entry("none", "[0]", "[4,4]")], 8).contains("tensors a and none share bytes"))
        #expect(try refusal([a, b], 17).contains("1 byte after the last tensor belong"))
        #expect(try refusal([a, b], 23).contains("7 bytes after the last tensor"))
        #expect(try refusal([], 4).contains("4 bytes after the last tensor"))
        #expect(
            try refusal([entry("a", "[2]", "[4,12]"), entry("b", "[1]", "[12,16]")], 16).contains(
                "4 bytes before tensor a"))
        #expect(try refusal([a, entry("b", "[1]", "[12,16]")], 16).contains("4 bytes before tensor b"))
    }

    @Test("a key that stands twice is refused, wherever it does and however it is spelled") func duplicates() throws {
        let a = entry("a", "[1]", "[0,4]")
        for (header, key) in [
            ("{\(a),\(a)}", "a"), ("{\(a),\(a.replacing("\"a\"", with: #""\u0061""#))}", "a"),
            (#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "dtype"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[1]}}"#, "shape"),
            (#"{"__metadata__":{"k":"1","k":"2"},\#(a)}"#, "k"),
            (#"{"__metadata__":{},\#(a),"__metadata__":{}}"#, "__metadata__"),
        ] {
            #expect(try refusal(file(header, dataBytes: 4)).contains("the key \(key) stands twice"), "\(header)")
        }
    }

    @Test("a header that is no JSON, or not this object, is refused with what should stand where") func shapeOfHeader()
        throws
    {
        func refusal(_ header: String) throws -> String { try self.refusal(file(header, dataBytes: 4)) }
        for (header, what) in [
            (" {}", "it starts with something else than {"), ("[1]", "it starts with something else than {"),
            ("{\"w\":", "at byte 5, '{' should stand"), ("{} x", "at byte 3, nothing more should stand"),
            ("{}\0", "at byte 2, nothing more"), ("{,}", "at byte 1, '\"' should stand"),
            (#"{"a":1}"#, "at byte 5, '{' should stand"), (#"{"a":{}}"#, "tensor a has no dtype"),
            (#"{"a":{"dtype":"F32","shape":[1]}}"#, "tensor a needs two data_offsets"),
            (#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, "tensor a has no shape"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, "tensor a needs two data_offsets"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2,4]}}"#, "more than the 2 numbers"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"scale":1}}"#, "has a key scale; dtype, shape and"),
            (#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, "a whole number should stand"),
            (#"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#, "a whole number should stand"),
            (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-0,4]}}"#, "a whole number should stand"),
            (#"{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}"#, "a whole number should stand"),
            (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, "a whole number"),
            (#"{"__metadata__":{"n":1}}"#, "at byte 21, '\"' should stand"),
            (#"{"__metadata__":"text"}"#, "'{' should stand"), ("{\"a\nb\":{}}", "the end of the text that starts"),
            (#"{"\x":{}}"#, "an escape of JSON"), (#"{"\ud800":{}}"#, "a pair of surrogates"),
            (#"{"\u12g4":{}}"#, "four hexadecimal digits"), ("{\"\\", "a character"), ("{\"", "the end of the text"),
        ] {
            let refusal = try refusal(header)
            #expect(refusal.contains("is not the JSON object that it should be: "), "\(header)")
            #expect(refusal.contains(what), "\(header): \(refusal)")
        }
        let noText: [UInt8] = [4, 0, 0, 0, 0, 0, 0, 0] + Array("{\"".utf8) + [0xFF, 0x22]
        #expect(try self.refusal(noText).contains("a text in UTF-8"))
        let dimensions = Array(repeating: "1", count: 65).joined(separator: ",")
        #expect(try refusal("{\(entry("a", "[\(dimensions)]", "[0,4]"))}").contains("more than the 64 numbers"))
    }

    @Test("a header that is not true of its file is refused") func lyingHeaders() throws {
        func refusal(_ dtype: String, _ shape: String, _ offsets: String) throws -> String {
            try self.refusal(file("{\(entry("w", shape, offsets, dtype: dtype))}", dataBytes: 8))
        }
        #expect(try self.refusal([1, 2, 3]).contains("has 3 bytes, too few"))
        #expect(try self.refusal(file("{}", dataBytes: 0, claimed: 1 << 60)).contains("its header is said to be"))
        for dtype in ["F64", "f16", "I64", "BOOL", "F8_E4M3", "float32", ""] {
            #expect(
                try refusal(dtype, "[2]", "[0,4]").contains(
                    "tensor w is of type '\(dtype)'; allowed are F32, F16, BF16"))
        }
        #expect(try refusal("F32", "[2]", "[0,4]").contains("takes 8 bytes, the header gives it 4"))
        #expect(try refusal("F16", "[2]", "[0,8]").contains("takes 4 bytes, the header gives it 8"))
        #expect(try refusal("F32", "[2]", "[0,16]").contains("outside"))
        #expect(try refusal("F32", "[2]", "[8,0]").contains("outside"))
        #expect(try refusal("F32", "[2]", "[-8,0]").contains("outside"))
        #expect(try refusal("F32", "[-2]", "[0,8]").contains("impossible shape"))
        #expect(try refusal("F32", "[4611686018427387904,8]", "[0,8]").contains("impossible"))
    }

    @Test("the first wrong tensor is told of, in the file's order, at every run") func order() throws {
        let entries = (0..<40).map { entry("t\($0)", "[1]", "[\(4 * $0),\(4 * $0 + 4)]", dtype: "F64") }
        let bytes = file("{\(entries.joined(separator: ","))}", dataBytes: 160)
        for _ in 0..<20 { #expect(try refusal(bytes).contains("tensor t0 is of type 'F64'")) }
    }

    @Test("a name as long as the file is cut short where a message quotes it") func longNames() throws {
        let name = String(repeating: "n", count: 1_000_000)
        let refusal = try refusal(file("{\(entry(name, "[1]", "[0,4]", dtype: "F64"))}", dataBytes: 4))
        #expect(refusal.utf8.count < 500 && refusal.contains("nnn... is of type 'F64'"))
    }

    @Test("a checkpoint that shrinks while it is in use is an error", arguments: [false, true]) func shrinking(
        run: Bool
    ) throws {
        let folder = try Folder()
        var configuration = smallConfiguration()
        let path = folder.path("w.safetensors")
        try RunPlan(configuration).run().weights!.write(path)
        let file = try SafetensorsFile(path: path)
        configuration.initial = file
        let plan = try RunPlan(configuration)
        #expect(unsafe truncate(path, 2000) == 0)
        if run {
            #expect(reason { _ = try plan.run() }.contains("has shrunk while it was in use"))
        } else {
            #expect(reason { _ = try file.values(file.names.last!) }.contains("has shrunk while it was in use"))
        }
    }

    // MARK: Checkpoints of ours

    private func smallConfiguration(_ change: (inout ModelSpec) -> Void = { _ in }) -> RunConfiguration {
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (5, 4, 1, 1)
        (spec.hidden, spec.sequenceLength) = (4, 2)
        change(&spec)
        var configuration = RunConfiguration(model: spec.model(), schedule: .gpipe(ranks: 1, microbatches: 1))
        configuration.keepsWeights = true
        return configuration
    }

    /// A checkpoint of the small model; without metadata, the tensors alone tell what model it is of.
    private func saved(in folder: Folder, withMetadata: Bool = true, layers: Int = 1) throws -> SafetensorsFile {
        let path = folder.path("w.safetensors")
        try RunPlan(smallConfiguration { $0.layers = layers }).run().weights!.write(path)
        if !withMetadata {
            var bytes = Array(try Data(contentsOf: URL(filePath: path)))
            let text = String(decoding: bytes, as: UTF8.self)
            let entry = try #require(text.firstMatch(of: /"__metadata__":\{[^}]*\},/)?.output)
            bytes.removeSubrange(9..<9 + entry.utf8.count)
            let length = (Int(bytes[0]) | Int(bytes[1]) << 8) - entry.utf8.count
            (bytes[0], bytes[1]) = (UInt8(length & 255), UInt8(length >> 8))
            try Data(bytes).write(to: URL(filePath: path))
        }
        return try SafetensorsFile(path: path)
    }

    private func refusal(of file: SafetensorsFile, by change: (inout ModelSpec) -> Void) -> String {
        var configuration = smallConfiguration(change)
        configuration.initial = file
        return reason { _ = try RunPlan(configuration) }
    }

    @Test("a checkpoint of another model is refused, with the tensor's name") func otherModel() throws {
        let folder = try Folder()
        let file = try saved(in: folder, withMetadata: false)
        #expect(file.metadata.isEmpty)
        #expect(refusal(of: file) { _ in } == "nothing was thrown")
        #expect(refusal(of: file) { $0.heads = 2 } == "nothing was thrown")
        #expect(refusal(of: file) { $0.hidden = 6 }.contains("layers.0.linear1.weight has shape [4, 4]"))
        #expect(refusal(of: file) { $0.layers = 2 }.contains("has no tensor layers.1."))
        #expect(refusal(of: file) { $0.architecture = .gpt }.contains("has no tensor transformer.wte.weight"))
        let larger = try saved(in: folder, withMetadata: false, layers: 2)
        #expect(refusal(of: larger) { _ in }.contains(#/: tensor layers\.1\.[a-z0-9_.]+ is none of the model's$/#))
        #expect(refusal(of: larger) { $0.layers = 2 } == "nothing was thrown")
    }

    @Test("tensors start at a multiple of 8 bytes, whatever the header's length, for programs that map the file")
    func alignment() throws {
        let folder = try Folder()
        let path = folder.path("w.safetensors")
        for length in 0..<8 {
            var configuration = smallConfiguration()
            configuration.checkpointNotes = ["by": String(repeating: "x", count: length)]
            try RunPlan(configuration).run().weights!.write(path)
            let bytes = Array(try Data(contentsOf: URL(filePath: path)))
            #expect((Int(bytes[0]) | Int(bytes[1]) << 8) % 8 == 0, "\(length)")
        }
    }

    @Test("a checkpoint tells the model's settings, and one of another model is refused with both values")
    func settings() throws {
        let folder = try Folder()
        let file = try saved(in: folder)
        #expect(
            file.metadata == [
                "ppthreads.architecture": "decoder", "ppthreads.layers": "1", "ppthreads.heads": "1",
                "ppthreads.dim": "4", "ppthreads.ffn": "4", "ppthreads.vocab_size": "5", "ppthreads.seq_len": "2",
                "ppthreads.steps": "13",
            ])
        #expect(CheckpointSettings.tellsHeads(file))
        #expect(refusal(of: file) { _ in } == "nothing was thrown")
        #expect(refusal(of: file) { $0.heads = 2 }.hasSuffix("is of a model with heads 1; --heads is 2 here"))
        #expect(refusal(of: file) { $0.layers = 2 }.hasSuffix("is of a model with layers 1; --layers is 2 here"))
        #expect(refusal(of: file) { $0.dim = 6 }.hasSuffix("is of a model with dim 4; --dim is 6 here"))
        #expect(refusal(of: file) { $0.hidden = 6 }.hasSuffix("is of a model with ffn 4; --ffn is 6 here"))
        #expect(refusal(of: file) { $0.vocabulary = 6 }.hasSuffix("with vocab_size 5; --vocab-size is 6 here"))
        #expect(refusal(of: file) { $0.architecture = .gpt }.hasSuffix("architecture decoder; --arch is gpt here"))
        // A decoder has no positions: it takes sequences of any length.
        #expect(refusal(of: file) { $0.sequenceLength = 3 } == "nothing was thrown")
    }

    @Test("a model that was put together by hand has no settings to write or to check") func ownModel() throws {
        let folder = try Folder()
        let file = try saved(in: folder)
        var configuration = smallConfiguration { $0.heads = 2 }
        let model = configuration.model
        configuration.model = Model(
            name: "mine", vocabulary: 5, sequenceLength: 2, layers: 1, units: model.units)
        configuration.checkpointNotes = ["by": "hand"]
        configuration.initial = file
        let weights = try RunPlan(configuration).run().weights!
        let path = folder.path("own.safetensors")
        try weights.write(path)
        #expect(try SafetensorsFile(path: path).metadata == ["by": "hand", "ppthreads.steps": "13"])
    }

    @Test("files of other formats are called by their names", arguments: otherFormats) func names(format: Sample) throws
    {
        let refusal = try refusal(format.bytes)
        #expect(refusal.contains("is not a safetensors file, but \(format.name)"), "\(refusal)")
    }

    @Test("a text is said to be no safetensors file") func text() throws {
        #expect(
            try refusal(Array("hello, world".utf8)).contains(
                "is not a safetensors file: its header is said to be 8583909746840200552 bytes, the file has 12"))
    }
}
