// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// What makes two rows of a results CSV the same run.
struct IdentityTests {
    @Test(
        "a fingerprint is FNV-1a of the tokens that are read, as 32-bit numbers",
        arguments: [
            ("hi", 1, "4c5057cd16338a9d"), ("hi", 2, "de27887129c0e434"), ("hi", 3, "de27887129c0e434"),
            ("hi", 100, "de27887129c0e434"), ("hi.bin", 100, "73c354cc9b8babea"),
        ])
    func fingerprint(name: String, used: Int, expected: String) throws {
        let folder = try Folder()
        let file = try TokenFile(path: folder.file(name, Array("hi".utf8)))
        #expect(try file.fingerprint(used: used).description == expected)
    }

    @Test(
        "a checkpoint's fingerprint is FNV-1a of all its bytes",
        arguments: [(2, "e3b1844a02d65307"), (70000, "b6d4103af1eb65c9")])
    func checkpoint(count: Int, expected: String) throws {
        let folder = try Folder()
        let header = #"{"x":{"dtype":"F32","shape":[\#(count)],"data_offsets":[0,\#(4 * count)]}}"#
        let length = [UInt8(header.utf8.count)] + Array(repeating: 0, count: 7)
        // 1, 2, or 0, 1, 2 and so on.
        let floats = (0..<count).map { Float($0 + (count == 2 ? 1 : 0)) }
        let data = floats.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
        let file = try SafetensorsFile(path: folder.file("x", length + Array(header.utf8) + data))
        #expect(try file.fingerprint().description == expected)
    }

    @Test("a fingerprint follows from what is read alone: not from the rest of the file, but from its layout")
    func read() throws {
        let folder = try Folder()
        func fingerprint(_ name: String, _ bytes: [UInt8], used: Int) throws -> Fingerprint {
            try TokenFile(path: folder.file(name, bytes)).fingerprint(used: used)
        }
        let first = try fingerprint("a", [1, 0, 2, 0], used: 2)
        #expect(try fingerprint("b", [1, 0, 9, 9, 9], used: 2) == first)
        #expect(try fingerprint("c", [1, 1, 2, 0], used: 2) != first)
        #expect(try fingerprint("a.bin", [1, 0, 2, 0], used: 2) != first)
        // One that is read to its end and on from its start has another length then.
        #expect(try fingerprint("d", [1, 0, 2, 0, 1], used: 5) != fingerprint("a", [1, 0, 2, 0], used: 5))
    }

    @Test(
        "equal numbers are one text",
        arguments: [
            ("3e-4", "0.0003"), ("0.0003", "0.0003"), ("3.0e-04", "0.0003"), ("4.0", "4"), ("4", "4"), ("-0.0", "0"),
            ("0", "0"), ("1e5", "100000"), ("9007199254740993", "9007199254740993"),
            ("9223372036854775807", "9223372036854775807"), ("0.1", "0.1"), ("1e-30", "1e-30"), ("007", "7"),
        ])
    func canonical(text: String, expected: String) { #expect(text.canonicalNumber == expected) }

    @Test("what is no number has none", arguments: ["", "auto", "0,2", "nan", "inf", "1e999", "2.5.1", "1 "])
    func noNumber(text: String) { #expect(text.canonicalNumber == nil) }
}
