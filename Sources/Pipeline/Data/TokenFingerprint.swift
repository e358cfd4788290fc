extension TokenFile {
    /// What tells the tokens that a run reads from those of another file, or of the same one after it was changed: a hash
    /// of the first `used` tokens, or of all when there are fewer and places wrap around.
    ///
    /// Of the tokens, not of the bytes: so it also tells one layout from another. FNV-1a with 64 bits (Fowler, Noll, Vo) over
    /// the tokens as 32-bit little-endian numbers; a few nanoseconds a token.
    /// - Throws: `DataError` when the file can no longer be read.
    public func fingerprint(used: Int) throws(DataError) -> UInt64 {
        var window = TokenWindow(self)
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for place in 0..<min(used, count) {
            let token = UInt32(bitPattern: try window.token(at: place, below: .max))
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                hash = (hash ^ UInt64(token >> shift & 0xff)) &* 0x100_0000_01b3
            }
        }
        return hash
    }
}
