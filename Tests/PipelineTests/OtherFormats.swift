// SPDX-License-Identifier: Apache-2.0

import Testing

/// The start of a file of another format, and what messages call it.
struct Sample: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    var testDescription: String { name }

    init(_ name: String, _ start: [UInt8], then text: String = "", zeros: Int = 400) {
        self.name = name
        bytes = start + Array(text.utf8) + Array(repeating: 0, count: zeros)
    }

    init(_ name: String, _ text: String, zeros: Int = 400) { self.init(name, [], then: text, zeros: zeros) }
}

/// Formats that neither tokens nor checkpoints are in. The bytes are the formats' own documents'.
let otherFormats = [
    Sample(
        "a NumPy file (<u2, shape (500,))", [0x93],
        then: "NUMPY\u{1}\0\u{76}\0{'descr': '<u2', 'fortran_order': False, 'shape': (500,), }".padding(
            toLength: 127, withPad: " ", startingAt: 0)),
    Sample(
        "a zip (PyTorch)", "PK\u{3}\u{4}\0\0\u{8}\u{8}\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\u{10}\0\u{12}\0m/data.pklFB"),
    Sample("a zip (NumPy)", "PK\u{3}\u{4}\u{14}\0\0\0\0\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\u{9}\0\u{14}\0arr_0.npy"),
    Sample("a zip", "PK\u{3}\u{4}\u{14}\0\0\0\0\0[Content_Types].xml"),
    Sample("a Python pickle", [0x80, 0x04, 0x95, 0x20, 0, 0, 0, 0, 0, 0, 0, 0x7D]),
    Sample("a Python pickle", [0x80, 0x02], then: "}q\0(X\u{6}\0\0\0weight"),
    Sample(
        "a pickle (PyTorch)",
        [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]),
    Sample("a GGUF file", "GGUF\u{3}\0\0\0\u{1}\0\0\0\0\0\0\0"),
    Sample("an ONNX file", [8, 7, 0x12, 7], then: "pytorch"),
    Sample("an HDF5 file", [0x89], then: "HDF\r\n\u{1A}\n"),
    Sample("a gzip file", [0x1F, 0x8B, 8, 0]), Sample("a bzip2 file", "BZh91AY&SY"),
    Sample("an xz file", [0xFD], then: "7zXZ\0"), Sample("a zstd file", [0x28, 0xB5, 0x2F, 0xFD]),
    Sample("a 7z archive", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
    Sample("a tar archive", "model/".padding(toLength: 257, withPad: "\0", startingAt: 0) + "ustar\0"),
    Sample("a Parquet file", "PAR1\u{15}\u{4}\u{15}"), Sample("an Arrow file", "ARROW1\0\0"),
    Sample("an Arrow file", [0xFF, 0xFF, 0xFF, 0xFF, 0x20, 1, 0, 0, 0x10, 0, 0, 0]),
    Sample("an SQLite database", "SQLite format 3\0"), Sample("an index of Megatron's", "MMIDIDX\0\0"),
    Sample("a PNG image", [0x89], then: "PNG\r\n\u{1A}\n"), Sample("a JPEG image", [0xFF, 0xD8, 0xFF, 0xE0]),
    Sample("a PDF", "%PDF-1.7\n"), Sample("a program or library (ELF)", [0x7F], then: "ELF\u{2}\u{1}\u{1}"),
    Sample("one of llm.c's files, but not one of tokens", [0xC6, 0xD7, 0x34, 0x01, 3, 0, 0, 0]),
    Sample("one of llm.c's files, but not one of tokens", [0x8A, 0xD8, 0x34, 0x01, 1, 0, 0, 0]),
]
