// SPDX-License-Identifier: Apache-2.0

import SharedTensor

extension PartitionLayout {
    /// Reads a file that holds one layout, on as many lines as it likes.
    /// - Throws: `DataError` with the line, the column and the reason when it is none, or the file cannot be read.
    public init(path: String) throws(DataError) {
        let size = try ReadableFile(path: path).size
        if size > Self.bytesMost {
            throw DataError(
                path: path, reason: "has \(ByteCount(size)); a layout has at most \(ByteCount(Self.bytesMost))")
        }
        // A character becomes 16 bytes, and a letter of the layout.
        let data = try WholeFile.read(path, memory: ReadingMemory(perByte: 32))
        guard let text = String(validating: data, as: UTF8.self) else {
            throw DataError(path: path, reason: "has bytes that are not UTF-8; a layout is text")
        }
        do throws(LayoutError) {
            try self.init(text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text)
        } catch {
            throw DataError(path: path, reason: error.description)
        }
    }
}
