// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// A safetensors file of fp32, fp16 or bf16 tensors: a header's length (8 bytes, little-endian), a JSON header, the data.
///
/// Every claim of the header is checked against the file before it is believed. The data stays in the file until it is
/// asked for.
public struct SafetensorsFile: Sendable {
    /// As it was given.
    public let path: String
    /// What its `__metadata__` says; ours has the model's settings in it (`CheckpointSettings`).
    public let metadata: [String: String]
    let file: ReadableFile
    private let dataStart: Int
    private let entries: [String: SafetensorsHeader.Entry]

    /// - Throws: `DataError` when the file cannot be read, is of another format, or its header is not true of it.
    public init(path: String) throws(DataError) {
        self.path = path
        file = try ReadableFile(path: path)
        let length = try Self.headerLength(file)
        if length > 1 << 20 { try WholeFile.checkFits(path, "its header has", bytes: length, memory: 6 * length) }
        let json = try file.bytes(8..<8 + length)
        let header: SafetensorsHeader
        do throws(JSONScanner.Failure) { header = try SafetensorsHeader(json) } catch {
            throw DataError(
                path: path,
                reason: "its safetensors header is not the JSON object that it should be: \(error.reason)")
        }
        dataStart = 8 + length
        try header.check(dataBytes: file.size - dataStart, path: path)
        metadata = header.metadata
        entries = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.name, $0) })
    }

    /// Checks that nobody has written to the file since it was opened.
    func checkUntouched() throws(DataError) {
        if try !file.isUntouched { throw DataError(path: path, reason: "was written to while it was read") }
    }

    /// The tensors' names, sorted.
    public var names: [String] { entries.keys.sorted() }

    /// A tensor's lengths, outermost first; nil when the file has no tensor of that name.
    public func shape(of name: String) -> [Int]? { entries[name]?.shape }

    /// The types of its tensors, as the format spells them, but for F32.
    public var convertedTypes: [String] {
        StoredType.allCases.filter { type in type != .f32 && entries.values.contains { $0.type == type } }.map(\.name)
    }

    /// Copies a tensor of the same shape out of the file, converted to fp32. The name must be one of `names`.
    /// - Throws: `DataError` when the file has shrunk meanwhile, or the system cannot read it.
    public func read(_ name: String, into tensor: Tensor) throws(DataError) {
        let (entry, type) = entry(name)
        require(entry.end - entry.start == tensor.count * type.bytes, "tensor of another size")
        if type != .f32 { return try convert(entry, type, into: tensor) }
        let outcome = unsafe tensor.withBytes { bytes in
            Result { () throws(DataError) in unsafe try file.read(into: bytes, at: dataStart + entry.start) }
        }
        try outcome.get()
    }

    /// Piece by piece: the whole would need memory of its own.
    private func convert(_ entry: SafetensorsHeader.Entry, _ type: StoredType, into tensor: Tensor) throws(DataError) {
        let piece = 1 << 16
        for first in stride(from: 0, to: tensor.count, by: piece) {
            let count = min(piece, tensor.count - first)
            let start = dataStart + entry.start + first * type.bytes
            let values = type.values(try file.bytes(start..<start + count * type.bytes))
            for (index, value) in values.enumerated() { tensor[first + index] = value }
        }
    }

    /// A tensor's elements. The name must be one of `names`.
    /// - Throws: as `read` does.
    public func values(_ name: String) throws(DataError) -> [Float] {
        let (entry, type) = entry(name)
        return type.values(try file.bytes(dataStart + entry.start..<dataStart + entry.end))
    }

    private func entry(_ name: String) -> (SafetensorsHeader.Entry, StoredType) {
        guard let entry = entries[name], let type = entry.type else { trap("no tensor \(name)") }
        return (entry, type)
    }

    private static func headerLength(_ file: ReadableFile) throws(DataError) -> Int {
        func fail(_ reason: String) -> DataError { DataError(path: file.path, reason: reason) }
        let head = try KnownFormat.head(of: file)
        if let length = SafetensorsHeader.length(in: head, fileBytes: file.size) { return length }
        if let format = KnownFormat(head, fileBytes: file.size) {
            throw fail("is not a safetensors file, but \(format.name)\(format.makingWeights(file.path))")
        }
        if head.count < 8 { throw fail("has \(head.count) bytes, too few for a safetensors file") }
        let length = head.littleEndian(UInt64.self, at: 0)
        if length > UInt64(file.size - 8) {
            throw fail("is not a safetensors file: its header is said to be \(length) bytes, the file has \(file.size)")
        }
        if length > UInt64(SafetensorsHeader.bytesMax) {
            throw fail("its header has \(length) bytes; at most \(SafetensorsHeader.bytesMax) are allowed")
        }
        return Int(length)
    }
}

extension SafetensorsFile {
    /// Of the whole file.
    /// - Throws: `DataError` when the file can no longer be read.
    public func fingerprint() throws(DataError) -> Fingerprint {
        var fingerprint = Fingerprint()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        for start in stride(from: 0, to: file.size, by: chunk.count) {
            let count = min(chunk.count, file.size - start)
            try file.read(into: &chunk, count: count, at: start)
            for index in 0..<count { fingerprint.add(chunk[index]) }
        }
        return fingerprint
    }
}
