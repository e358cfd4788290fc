/// What tells contents from other contents: FNV-1a with 64 bits (Fowler, Noll, Vo). A nanosecond a byte.
public struct Fingerprint: Equatable, Sendable, CustomStringConvertible {
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

    /// 16 hexadecimal digits.
    public var description: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension TokenFile {
    /// Of the first `used` tokens, or of all when there are fewer and positions wrap around, as 32-bit little-endian numbers.
    ///
    /// Of the tokens, not of the bytes: so it tells one layout from another, and not one file from a copy that lies elsewhere.
    /// - Throws: `DataError` with the position of the first token outside the vocabulary, or when the file can no longer be read.
    public func fingerprint(used: Int, vocabulary: Int = .max) throws(DataError) -> Fingerprint {
        var window = TokenWindow(self)
        var fingerprint = Fingerprint()
        for position in 0..<min(used, count) {
            let token = UInt32(bitPattern: try window.token(at: position, below: vocabulary))
            for shift in stride(from: UInt32(0), to: 32, by: 8) { fingerprint.add(UInt8(token >> shift & 0xff)) }
        }
        return fingerprint
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
