// SPDX-License-Identifier: Apache-2.0

/// What a NumPy file (.npy) says of its elements: enough to tell how tokens are made of it.
struct NumPyHeader: Equatable {
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// As NumPy writes it, such as `<u2`.
    let dtype: String
    /// As Python writes it, such as `(500,)`.
    let shape: String

    /// nil when the header is not one of a plain array's, or not whole in these bytes.
    init?(_ head: [UInt8]) {
        // The magic, two bytes of version, and the header's length in two bytes, or four from version 2 on.
        guard head.count > 12, head.starts(with: Self.magic) else { return nil }
        let start = head[6] == 1 ? 10 : 12
        let length =
            head[6] == 1 ? Int(head.littleEndian(UInt16.self, at: 8)) : Int(head.littleEndian(UInt32.self, at: 8))
        guard start + length <= head.count,
            let text = String(validating: head[start..<start + length], as: UTF8.self),
            let dtype = text.firstMatch(of: /'descr': *'([<>|=]?[a-zA-Z][0-9]*)'/)?.output.1,
            let shape = text.firstMatch(of: /'shape': *(\([0-9, ]*\))/)?.output.1
        else { return nil }
        (self.dtype, self.shape) = (String(dtype), String(shape))
    }

    /// The command that makes a file of tokens of it, or why there can be none.
    func makingTokens(_ path: String) -> String {
        let kind = dtype.first { $0.isLetter }
        if kind != "u" && kind != "i" { return "whole numbers are allowed" }
        let isWide = dtype.hasSuffix("4") || dtype.hasSuffix("8")
        // A shell would take these for its own.
        let isPlain = path.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || "0123456789/._-+".unicodeScalars.contains($0)
        }
        let stem = isPlain ? path.split(separator: "/", omittingEmptySubsequences: false).last! : "FILE.npy"
        let folder = isPlain ? path.dropLast(stem.count) : ""
        let name = stem.lowercased().hasSuffix(".npy") ? stem.dropLast(4) : stem
        let target = "\(folder)\(name)\(isWide ? ".u32" : ".bin")"
        return
            "python3 -c \"import numpy; numpy.load('\(folder)\(stem)').astype('<u\(isWide ? 4 : 2)').tofile('\(target)')\""
            + " makes tokens of it"
    }
}
