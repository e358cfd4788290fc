// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import SharedTensor
import Testing
import Threads

struct TokenFileTests {
    private func little(_ numbers: [UInt32], bytes: Int) -> [UInt8] {
        numbers.flatMap { number in (0..<bytes).map { UInt8(truncatingIfNeeded: number >> UInt32(8 * $0)) } }
    }

    private func llmc(_ magic: UInt32, _ version: UInt32, _ count: UInt32, tokens: [UInt32], bytes: Int) -> [UInt8] {
        little([magic, version, count] + Array(repeating: 0, count: 253), bytes: 4) + little(tokens, bytes: bytes)
    }

    /// The tokens that a run with rows of this length would read from a file.
    private func tokens(_ file: TokenFile, _ count: Int, vocabulary: Int = 1 << 24) throws -> [Int32] {
        let segment = try Segment(bytes: 4 * count, backing: .privateMemory)
        let inputs = segment.arena.tokens(Region(offset: 0, bytes: 4 * count))
        try TokenSource.file(file).fill(
            step: 0, batch: 1, length: count, vocabulary: vocabulary, inputs: inputs, targets: .none)
        return (0..<count).map { inputs[$0] }
    }

    @Test("the name and llm.c's header tell the layout; the file says which was read, and its tokens are those in it")
    func layouts() throws {
        let folder = try Folder()
        let wide: [UInt32] = [7, 70000, 9]
        for (name, bytes, layout, expected, vocabulary) in [
            ("a.txt", [1, 2, 255], "bytes", [1, 2, 255], 256),
            ("plain", [9, 8], "bytes", [9, 8], 256),
            ("a.bin", [1, 0, 2, 1], "16-bit tokens", [1, 258], 50257),
            ("A.BIN", [1, 0, 2, 1], "16-bit tokens", [1, 258], 50257),
            ("a.U16", [1, 0, 255, 255], "16-bit tokens", [1, 65535], 50257),
            ("a.u32", little(wide, bytes: 4), "32-bit tokens", [7, 70000, 9], 128_256),
            (
                "llmc.bin", llmc(20_240_520, 1, 3, tokens: [7, 8, 9], bytes: 2), "16-bit tokens after llm.c's header",
                [7, 8, 9], 50257
            ),
            (
                "llmc", llmc(20_240_801, 7, 3, tokens: wide, bytes: 4), "32-bit tokens after llm.c's header",
                [7, 70000, 9], 128_256
            ),
        ] as [(String, [UInt8], String, [Int32], Int)] {
            let file = try TokenFile(path: folder.file(name, bytes))
            #expect(file.layoutName == layout && file.count == expected.count, "\(name)")
            #expect(try tokens(file, expected.count) == expected, "\(name)")
            #expect(file.standardVocabulary == vocabulary && file.suspicion == nil, "\(name)")
        }
    }

    @Test("a file that the system hands out in pieces is put together") func pieces() throws {
        // One that says nothing new between two reads, and of which each read gives 4 KiB at most.
        let path = "/proc/kallsyms"
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        var expected: [UInt8] = []
        while expected.count < 100_000, let piece = try handle.read(upToCount: 1000), !piece.isEmpty {
            expected += piece
        }
        try #require(expected.count >= 100_000)
        var bytes = [UInt8](repeating: 0, count: expected.count)
        try ReadableFile(path: path).read(into: &bytes, at: 0)
        #expect(bytes == expected)
    }

    @Test("a format that is asked for wins over the name") func askedFor() throws {
        let folder = try Folder()
        let path = try folder.file("a.bin", [1, 0, 2, 0, 3, 0, 0, 0])
        #expect(try tokens(TokenFile(path: path, format: .bytes), 8) == [1, 0, 2, 0, 3, 0, 0, 0])
        #expect(try tokens(TokenFile(path: path, format: .u16), 4) == [1, 2, 3, 0])
        #expect(try tokens(TokenFile(path: path, format: .u32), 2) == [0x20001, 3])
        #expect(reason { _ = try TokenFile(path: path, format: .llmc) }.contains("has no llm.c header"))
        let zip = try folder.file("z.bin", Array("PK\u{3}\u{4}".utf8))
        #expect(try tokens(TokenFile(path: zip, format: .u16), 2) == [0x4B50, 0x0403])
    }

    @Test("files that cannot be tokens are refused with the reason") func badFiles() throws {
        let folder = try Folder()
        func refusal(_ name: String, _ bytes: [UInt8]) -> String {
            reason { _ = try TokenFile(path: folder.file(name, bytes)) }
        }
        #expect(refusal("odd.bin", [1, 2, 3]).contains("has 3 bytes, which is no whole number of 16-bit tokens"))
        #expect(refusal("odd.u32", [1, 2, 3, 4, 5]).contains("has 5 bytes, which is no whole number of 32-bit tokens"))
        #expect(refusal("none.txt", []).contains("holds no tokens"))
        #expect(refusal("none.bin", []).contains("holds no tokens"))
        #expect(reason { _ = try TokenFile(path: folder.path("missing")) }.contains("ENOENT"))
        #expect(reason { _ = try TokenFile(path: folder.url.path) }.contains("is a folder"))
        #expect(reason { _ = try TokenFile(path: "/dev/null") }.contains("is a character device"))
        #expect(unsafe mkfifo(folder.path("pipe"), 0o600) == 0)
        #expect(reason { _ = try TokenFile(path: folder.path("pipe")) }.contains("is a pipe"))
    }

    @Test(
        "an llm.c header that is not true of its file is refused with what it says and what is allowed",
        arguments: [
            (20_240_520, 0, 3, 2, "version 0 and 3 tokens; version 1 and 3 tokens, as many as the file has room for"),
            (20_240_520, 1, 4, 2, "version 1 and 4 tokens; version 1 and 3 tokens"),
            (20_240_520, 1, 0xFFFF_FFFF, 2, "version 1 and 4294967295 tokens; version 1 and 3 tokens"),
            (20_240_801, 1, 3, 4, "version 1 and 3 tokens; version 7 and 3 tokens"),
            (20_240_801, 7, 2, 4, "version 7 and 2 tokens; version 7 and 3 tokens"),
        ] as [(UInt32, UInt32, UInt32, Int, String)])
    func lyingHeaders(magic: UInt32, version: UInt32, count: UInt32, bytes: Int, expected: String) throws {
        let folder = try Folder()
        let path = try folder.file("x.bin", llmc(magic, version, count, tokens: [7, 8, 9], bytes: bytes))
        #expect(reason { _ = try TokenFile(path: path) }.contains("its llm.c header says \(expected)"))
    }

    @Test("an llm.c file that is cut off is refused") func cutOff() throws {
        let folder = try Folder()
        let whole = llmc(20_240_520, 1, 3, tokens: [7, 8, 9], bytes: 2)
        func refusal(_ bytes: Int) -> String {
            reason { _ = try TokenFile(path: folder.file("x.bin", Array(whole[..<bytes]))) }
        }
        #expect(refusal(512).contains("its llm.c header of 1024 bytes ends after 512"))
        #expect(refusal(1025).contains("has 1 byte after its llm.c header, which is no whole number of 16-bit tokens"))
        #expect(refusal(1028).contains("says version 1 and 3 tokens; version 1 and 2 tokens"))
        let none = try folder.file("none.bin", llmc(20_240_520, 1, 0, tokens: [], bytes: 2))
        #expect(reason { _ = try TokenFile(path: none) }.contains("holds no tokens after its llm.c header"))
    }

    @Test(
        "files of other formats are refused with their names, and read if a format is asked for",
        arguments: otherFormats)
    func knownFormats(sample: Sample) throws {
        let folder = try Folder()
        for name in ["x", "x.bin"] {
            let path = try folder.file(name, sample.bytes)
            let refusal = reason { _ = try TokenFile(path: path) }
            #expect(refusal.hasPrefix("\(path): is \(sample.name)") && refusal.contains("--data-format"), "\(refusal)")
            #expect(try TokenFile(path: path, format: .bytes).count == sample.bytes.count)
        }
    }

    @Test("a safetensors file is no file of tokens") func weights() throws {
        let folder = try Folder()
        let path = try folder.file("w.bin", [2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D])
        #expect(reason { _ = try TokenFile(path: path) }.contains("is a safetensors file: weights are for --init"))
    }

    @Test("numbers that look like the length and the brace of a safetensors file are tokens") func braces() throws {
        let folder = try Folder()
        let zeros = [UInt8](repeating: 0, count: 60)
        for (name, rest) in [("t.u32", [0, 0, 0]), ("t.bin", [0x22, 5, 0]), ("t.u16", [0x7D, 7, 0])]
            as [(String, [UInt8])]
        {
            let path = try folder.file(name, [40, 0, 0, 0, 0, 0, 0, 0, 0x7B] + rest + zeros)
            #expect(try TokenFile(path: path).count == 72 / (name == "t.u32" ? 4 : 2))
        }
        for object in ["{}", "{ } ", "{\"a\": 1, \u{0}", "{\n\"a\\u0022\":"] {
            let path = try folder.file("w.u32", [UInt8(object.utf8.count), 0, 0, 0, 0, 0, 0, 0] + object.utf8)
            #expect(reason { _ = try TokenFile(path: path) }.contains("is a safetensors file"), "\(object)")
            let asTokens = try? TokenFile(path: path, format: .bytes)
            #expect(asTokens?.count == 8 + object.utf8.count)
        }
    }

    @Test(
        "texts and tokens that start like another format, but are not it, are read",
        arguments: [
            "GGUF is a format", "PAR1 and PAR2", "BZhello, world, and", "PKzip was there first", "ustar", "NUMPY",
        ])
    func lookAlikes(text: String) throws {
        let folder = try Folder()
        #expect(try TokenFile(path: folder.file("a.txt", Array("\(text), as a text".utf8))).count > 10)
    }

    @Test(
        "a NumPy file comes with the command that makes tokens of it, if it holds whole numbers",
        arguments: [
            ("<u2", "numpy.load('NAME.npy').astype('<u2').tofile('NAME.bin')"),
            ("|u1", "numpy.load('NAME.npy').astype('<u2').tofile('NAME.bin')"),
            ("<i8", "numpy.load('NAME.npy').astype('<u4').tofile('NAME.u32')"),
            ("<i4", "numpy.load('NAME.npy').astype('<u4').tofile('NAME.u32')"),
            ("<f4", "(<f4, shape (500,)): whole numbers are allowed"),
        ])
    func numpy(dtype: String, expected: String) throws {
        let folder = try Folder()
        let text = "{'descr': '\(dtype)', 'fortran_order': False, 'shape': (500,), }"
        let header = text.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n"
        let path = try folder.file("a.npy", [0x93] + Array("NUMPY\u{1}\0\u{76}\0\(header)".utf8))
        let name = String(path.dropLast(4))
        #expect(reason { _ = try TokenFile(path: path) }.contains(expected.replacing("NAME", with: name)))
    }

    @Test("what looks as if it were read wrongly is told of, and read all the same") func suspicions() throws {
        let folder = try Folder()
        func suspicion(_ name: String, _ bytes: [UInt8], _ format: TokenFormat = .auto) throws -> String? {
            try TokenFile(path: folder.file(name, bytes), format: format).suspicion
        }
        let small = little((0..<50).map { $0 % 17 }, bytes: 4)
        #expect(try suspicion("a.bin", small)?.contains("--data-format u32") == true)
        #expect(try suspicion("a.bin", little((0..<50).map { 2500 * $0 }, bytes: 4))?.contains("u32") == true)
        #expect(try suspicion("a.bin", small, .u16) == nil)
        // Characters, GPT-2's tokens, and very few tokens are what they are.
        #expect(try suspicion("a.bin", little((0..<200).map { $0 * 7 % 65 }, bytes: 2)) == nil)
        #expect(try suspicion("a.bin", little((0..<200).map { $0 * 7919 % 50257 }, bytes: 2)) == nil)
        #expect(try suspicion("a.bin", little(Array(repeating: 0, count: 200), bytes: 2)) == nil)
        #expect(try suspicion("a.bin", [1, 0, 0, 0]) == nil)
        #expect(try suspicion("a.dat", [1, 0, 2, 0])?.contains("--data-format says") == true)
        #expect(try suspicion("a.txt", Array("text".utf8)) == nil)
        let header = llmc(20_240_520, 1, 1, tokens: [7], bytes: 2)
        #expect(try suspicion("a.bin", header, .u16)?.contains("--data-format llm.c leaves it out") == true)
        #expect(try suspicion("a.bin", header, .llmc) == nil)
    }

    @Test("a token outside the vocabulary is refused with its position, if the run reads that far") func vocabulary()
        throws
    {
        let folder = try Folder()
        let file = try TokenFile(path: folder.file("t.txt", [5, 6, 200, 7]))
        #expect(reason { _ = try file.fingerprint(used: 10, vocabulary: 100) }.contains("token 200 at position 2"))
        _ = try file.fingerprint(used: 2, vocabulary: 100)
        _ = try file.fingerprint(used: 10, vocabulary: 201)
        let wide = try TokenFile(path: folder.file("t.u32", little([1, 128_256, 0xFFFF_FFFF], bytes: 4)))
        #expect(
            reason { _ = try wide.fingerprint(used: 3, vocabulary: 128_256) }.contains("token 128256 at position 1"))
        #expect(
            reason { _ = try wide.fingerprint(used: 3, vocabulary: 1 << 24) }.contains(
                "token 4294967295 (-1 as a number with a sign) at position 2 is outside the vocabulary of 16777216"))
        // Far behind the part that is held at a time.
        var long = Array(repeating: UInt8(1), count: 300_000)
        long[200_001] = 9
        let far = try TokenFile(path: folder.file("far", long))
        _ = try far.fingerprint(used: 200_001, vocabulary: 9)
        #expect(reason { _ = try far.fingerprint(used: 200_002, vocabulary: 9) }.contains("token 9 at position 200001"))
    }

    @Test(
        "places wrap around, wherever the parts end that are held at a time",
        arguments: [1, 3, 40_000, 65_537, 131_072])
    func wrapping(count: Int) throws {
        let folder = try Folder()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 131 + $0 >> 8) }
        let read = try tokens(TokenFile(path: folder.file("t", bytes)), 200_000)
        #expect(read == (0..<200_000).map { Int32(bytes[$0 % count]) })
    }

    @Test("a file that shrinks or changes while it is in use is an error, not a signal") func shrinking() throws {
        let folder = try Folder()
        let path = try folder.file("t", Array(repeating: 1, count: 300_000))
        let file = try TokenFile(path: path)
        #expect(unsafe truncate(path, 100_000) == 0)
        #expect(try tokens(file, 60_000).allSatisfy { $0 == 1 })
        #expect(
            reason { _ = try tokens(file, 200_000) }
                .contains("has shrunk while it was in use: it had 300000 bytes and has 100000"))
        _ = try folder.file("t", Array(repeating: 200, count: 300_000))
        #expect(
            reason { _ = try tokens(TokenFile(path: path), 1, vocabulary: 100) }.contains("token 200 at position 0"))
    }
}
