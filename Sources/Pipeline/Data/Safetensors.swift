import FoundationEssentials
import SharedTensor
import Threads

/// A safetensors file of fp32 tensors: a header's length (8 bytes, little-endian), a JSON header, the data.
///
/// Every claim of the header is checked against the file before it is believed.
public struct SafetensorsFile: Sendable {
    public let path: String
    private let data: Data
    private let dataStart: Int
    private let entries: [String: Entry]

    private struct Entry: Decodable {
        let dtype: String
        let shape: [Int]
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    /// Longer headers are refused, as the format's own library does.
    private static let headerBytesMax = 100_000_000

    /// - Throws: `DataError` when the file cannot be read or its header is not true of it.
    public init(path: String) throws(DataError) {
        self.path = path
        data = try WholeFile.read(path)
        let length = try Self.headerLength(data, path)
        dataStart = 8 + length
        entries = try Self.decode(data[data.startIndex + 8..<data.startIndex + 8 + length], path)
        for (name, entry) in entries { try check(name, entry) }
    }

    /// The tensors' names, sorted.
    public var names: [String] { entries.keys.sorted() }

    public func shape(of name: String) -> [Int]? { entries[name]?.shape }

    /// Copies a tensor of the same shape out of the file. The name must be one of `names`.
    public func read(_ name: String, into tensor: Tensor) {
        guard let entry = entries[name] else { trap("no tensor \(name)") }
        require(entry.offsets[1] - entry.offsets[0] == tensor.count * 4, "tensor of another size")
        let start = data.startIndex + dataStart + entry.offsets[0]
        unsafe tensor.withBytes { bytes in
            _ = unsafe data.copyBytes(to: bytes, from: start..<start + bytes.count)
        }
    }

    /// A tensor's elements. The name must be one of `names`.
    public func values(_ name: String) -> [Float] {
        guard let entry = entries[name] else { trap("no tensor \(name)") }
        let start = data.startIndex + dataStart + entry.offsets[0]
        return (0..<(entry.offsets[1] - entry.offsets[0]) / 4).map { index in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(data[start + 4 * index + $1]) << UInt32(8 * $1) })
        }
    }

    private static func headerLength(_ data: Data, _ path: String) throws(DataError) -> Int {
        if data.count < 8 {
            throw DataError(path: path, reason: "has \(data.count) bytes, too few for a safetensors file")
        }
        let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        if length > UInt64(min(data.count - 8, headerBytesMax)) {
            throw DataError(path: path, reason: "its header is said to be \(length) bytes, the file has \(data.count)")
        }
        return Int(length)
    }

    private static func decode(_ header: Data, _ path: String) throws(DataError) -> [String: Entry] {
        do {
            return try JSONDecoder().decode(Header.self, from: header).entries
        } catch {
            throw DataError(path: path, reason: "its safetensors header is not the JSON object that it should be")
        }
    }

    /// All keys but `__metadata__`, which is for people.
    private struct Header: Decodable {
        var entries: [String: Entry] = [:]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            for key in container.allKeys where key.stringValue != "__metadata__" {
                entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
            }
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private func check(_ name: String, _ entry: Entry) throws(DataError) {
        func fail(_ reason: String) -> DataError { DataError(path: path, reason: "tensor \(name) \(reason)") }
        if entry.dtype != "F32" { throw fail("is \(entry.dtype); F32 is allowed") }
        let offsets = entry.offsets
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= data.count - dataStart else {
            throw fail("lies at \(offsets), outside the file's \(data.count - dataStart) bytes of data")
        }
        var bytes = 4
        for length in entry.shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: length)
            if length < 0 || overflow { throw fail("has the impossible shape \(entry.shape)") }
            bytes = product
        }
        if bytes != offsets[1] - offsets[0] {
            throw fail("of shape \(entry.shape) takes \(bytes) bytes, the header gives it \(offsets[1] - offsets[0])")
        }
    }
}

extension SafetensorsFile {
    /// The 8 bytes and the JSON before the data, for tensors that follow each other in this order without gaps.
    /// The header is padded with spaces to a multiple of 8 bytes, so that the data is aligned.
    static func header(_ tensors: [(name: String, shape: [Int])]) -> [UInt8] {
        var offset = 0
        let fields = tensors.map { name, shape in
            let bytes = shape.reduce(4, *)
            defer { offset += bytes }
            let numbers = shape.map(String.init).joined(separator: ",")
            return
                #"\#(quoted(name)):{"dtype":"F32","shape":[\#(numbers)],"data_offsets":[\#(offset),\#(offset + bytes)]}"#
        }
        var json = Array("{\(fields.joined(separator: ","))}".utf8)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
    }

    private static func quoted(_ name: String) -> String {
        // Encoding a string cannot fail, and JSONEncoder's output is UTF-8.
        (try? JSONEncoder().encode(name)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
