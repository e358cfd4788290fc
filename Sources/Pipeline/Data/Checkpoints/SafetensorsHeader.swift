// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What a safetensors file says of its tensors: a JSON object with an entry for each, in the file's order.
struct SafetensorsHeader: Sendable {
    struct Entry: Sendable {
        let name: String
        let dtype: String
        /// What `dtype` means; nil for a type that is not read.
        var type: StoredType? { StoredType.allCases.first { $0.name == dtype } }
        let shape: [Int]
        /// First byte, and the one behind the last, in what follows the header.
        let start: Int
        let end: Int
    }

    let entries: [Entry]
    /// `__metadata__`: texts under names.
    let metadata: [String: String]

    /// Longer headers are refused, as the format's own library does.
    static let bytesMax = 100_000_000
    /// More than any library's tensors have.
    private static let dimensionsMax = 64

    /// - Throws: `JSONScanner.Failure` when the text is not such an object: other keys than the format's, a key twice.
    init(_ json: [UInt8]) throws(JSONScanner.Failure) {
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        var scanner = JSONScanner(json)
        if json.first != UInt8(ascii: "{") { throw JSONScanner.Failure(reason: "it starts with something else than {") }
        try scanner.object { scanner, name throws(JSONScanner.Failure) in
            if name == "__metadata__" {
                try scanner.object { scanner, key throws(JSONScanner.Failure) in metadata[key] = try scanner.string() }
            } else {
                entries.append(try Self.entry(name, &scanner))
            }
        }
        try scanner.end()
        (self.entries, self.metadata) = (entries, metadata)
    }

    private static func entry(_ name: String, _ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Entry {
        func fail(_ reason: String) -> JSONScanner.Failure {
            JSONScanner.Failure(reason: "tensor \(name.shortened) \(reason)")
        }
        var (dtype, shape, offsets) = (String?.none, [Int]?.none, [Int]?.none)
        try scanner.object { scanner, key throws(JSONScanner.Failure) in
            switch key {
            case "dtype": dtype = try scanner.string()
            case "shape": shape = try integers(&scanner, atMost: dimensionsMax)
            case "data_offsets": offsets = try integers(&scanner, atMost: 2)
            default: throw fail("has a key \(key.shortened); dtype, shape and data_offsets are allowed")
            }
        }
        guard let dtype else { throw fail("has no dtype") }
        guard let shape else { throw fail("has no shape") }
        guard let offsets, offsets.count == 2 else { throw fail("needs two data_offsets") }
        return Entry(name: name, dtype: dtype, shape: shape, start: offsets[0], end: offsets[1])
    }

    private static func integers(
        _ scanner: inout JSONScanner, atMost most: Int
    ) throws(JSONScanner.Failure) -> [Int] {
        var numbers: [Int] = []
        try scanner.array { scanner throws(JSONScanner.Failure) in
            if numbers.count == most {
                throw JSONScanner.Failure(reason: "a list has more than the \(most) numbers that are allowed")
            }
            numbers.append(try scanner.integer())
        }
        return numbers
    }
}

extension SafetensorsHeader {
    /// The length that a file's first bytes give its header, if such a header can follow; nil for another format's file.
    static func length(in head: [UInt8], fileBytes: Int) -> Int? {
        guard head.count > 8, head[8] == UInt8(ascii: "{") else { return nil }
        let length = head.littleEndian(UInt64.self, at: 0)
        return length > 0 && length <= UInt64(min(fileBytes - 8, bytesMax)) ? Int(length) : nil
    }

    /// Whether a length that is possible, an object and its first key, or none and nothing more, are in a file's first bytes:
    /// numbers can look like a length and a brace.
    static func begins(_ head: [UInt8], fileBytes: Int) -> Bool {
        guard let length = length(in: head, fileBytes: fileBytes) else { return false }
        var scanner = JSONScanner(Array(head[8..<min(head.count, 8 + length)]))
        var hasKey = false
        do throws(JSONScanner.Failure) {
            try scanner.object { _, _ throws(JSONScanner.Failure) in
                hasKey = true
                throw JSONScanner.Failure(reason: "one is enough")
            }
            try scanner.end()
            return true
        } catch {
            return hasKey
        }
    }

    /// Checks that the entries are true of a file with `bytes` bytes behind the header: each of a known type and as large as its
    /// shape, all of them side by side from the first byte to the last.
    /// - Throws: `DataError` with the first entry that is not, in the file's order.
    func check(dataBytes bytes: Int, path: String) throws(DataError) {
        for entry in entries { try entry.check(dataBytes: bytes, path) }
        let ordered = entries.enumerated().sorted {
            ($0.element.start, $0.element.end, $0.offset) < ($1.element.start, $1.element.end, $1.offset)
        }.map(\.element)
        for (before, entry) in zip(ordered, ordered.dropFirst()) where entry.start < before.end {
            throw DataError(
                path: path,
                reason: "tensors \(before.name.shortened) and \(entry.name.shortened) share bytes: they lie at "
                    + "\(before.bounds) and \(entry.bounds)")
        }
        var end = 0
        for entry in ordered {
            if entry.start > end {
                throw DataError(
                    path: path,
                    reason: "\(Self.count(entry.start - end)) before tensor \(entry.name.shortened) belong to no tensor"
                )
            }
            end = entry.end
        }
        if end < bytes {
            throw DataError(path: path, reason: "\(Self.count(bytes - end)) after the last tensor belong to no tensor")
        }
    }

    private static func count(_ bytes: Int) -> String { bytes == 1 ? "1 byte" : "\(bytes) bytes" }
}

extension SafetensorsHeader.Entry {
    fileprivate var bounds: String { "[\(start), \(end)]" }

    fileprivate func check(dataBytes: Int, _ path: String) throws(DataError) {
        func fail(_ reason: String) -> DataError {
            DataError(path: path, reason: "tensor \(name.shortened) \(reason)")
        }
        guard let type else {
            let allowed = StoredType.allCases.map(\.name).joined(separator: ", ")
            throw fail("is of type '\(dtype.shortened)'; allowed are \(allowed)")
        }
        guard 0 <= start, start <= end, end <= dataBytes else {
            throw fail("lies at \(bounds), outside the file's \(dataBytes) bytes of data")
        }
        var bytes = type.bytes
        for length in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: length)
            if length < 0 || overflow { throw fail("has the impossible shape \(shape)") }
            bytes = product
        }
        if bytes != end - start {
            throw fail("of shape \(shape) takes \(bytes) bytes, the header gives it \(end - start)")
        }
    }
}

extension SafetensorsHeader {
    /// The 8 bytes and the JSON before the data, for tensors that follow each other in this order without gaps.
    /// The header is padded with spaces to a multiple of 8 bytes, so that the data is aligned.
    static func bytes(
        _ tensors: [(name: String, shape: [Int])], type: StoredType = .f32,
        metadata: [(key: String, value: String)] = []
    ) -> [UInt8] {
        var offset = 0
        var fields = tensors.map { name, shape in
            let bytes = shape.reduce(type.bytes, *)
            defer { offset += bytes }
            let numbers = shape.map(String.init).joined(separator: ",")
            return
                #"\#(quoted(name)):{"dtype":"\#(type.name)","shape":[\#(numbers)],"data_offsets":[\#(offset),\#(offset + bytes)]}"#
        }
        if !metadata.isEmpty {
            let texts = metadata.map { "\(quoted($0.key)):\(quoted($0.value))" }.joined(separator: ",")
            fields.insert(#""__metadata__":{\#(texts)}"#, at: 0)
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
