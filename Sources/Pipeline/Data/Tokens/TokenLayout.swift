// SPDX-License-Identifier: Apache-2.0

/// Where tokens lie in a file, and how many bytes each of them takes.
struct TokenLayout: Equatable, Sendable {
    let bytesPerToken: Int
    var headerBytes = 0
    /// What the header says; nil without one.
    var header: LLMCHeader?

    static let bytes = TokenLayout(bytesPerToken: 1)
    static let u16 = TokenLayout(bytesPerToken: 2)
    static let u32 = TokenLayout(bytesPerToken: 4)

    private init(bytesPerToken: Int) { self.bytesPerToken = bytesPerToken }

    private init(_ header: LLMCHeader) {
        bytesPerToken = header.bytesPerToken
        headerBytes = LLMCHeader.bytes
        self.header = header
    }

    /// - Throws: `DataError` when a file that starts with `head` cannot have this format, or, with `auto`, holds no tokens.
    init(_ format: TokenFormat, _ head: [UInt8], _ file: ReadableFile) throws(DataError) {
        switch format {
        case .bytes: self = .bytes
        case .u16: self = .u16
        case .u32: self = .u32
        case .llmc:
            guard let header = LLMCHeader(head) else {
                throw DataError(
                    path: file.path, reason: "has no llm.c header: it should start with the number 20240520 or 20240801"
                )
            }
            self = TokenLayout(header)
        case .auto:
            if let known = KnownFormat(head, fileBytes: file.size) {
                throw DataError(
                    path: file.path,
                    reason: "is \(known.name): \(known.makingTokens(file.path)); --data-format reads it as it is")
            }
            self = LLMCHeader(head).map(TokenLayout.init) ?? Self.named(file.path)
        }
    }

    private static func named(_ path: String) -> TokenLayout {
        let name = path.lowercased()
        if name.hasSuffix(".u32") { return .u32 }
        return name.hasSuffix(".bin") || name.hasSuffix(".u16") ? .u16 : .bytes
    }

    var name: String {
        let numbers = bytesPerToken == 1 ? "bytes" : "\(8 * bytesPerToken)-bit tokens"
        return header == nil ? numbers : "\(numbers) after llm.c's header"
    }

    /// Tokens in a file.
    func count(in file: ReadableFile) throws(DataError) -> Int {
        func fail(_ reason: String) -> DataError { DataError(path: file.path, reason: reason) }
        if file.size < headerBytes { throw fail("its llm.c header of \(headerBytes) bytes ends after \(file.size)") }
        let bytes = file.size - headerBytes
        let what = headerBytes == 0 ? "" : " after its llm.c header"
        if bytes % bytesPerToken != 0 {
            let number = "\(bytes) byte\(bytes == 1 ? "" : "s")"
            throw fail("has \(number)\(what), which is no whole number of \(8 * bytesPerToken)-bit tokens")
        }
        let count = bytes / bytesPerToken
        if let header, !header.isTrue(of: count) {
            throw fail(
                "its llm.c header says version \(header.version) and \(header.count) tokens; version "
                    + "\(header.versionKnown) and \(count) tokens, as many as the file has room for, are allowed")
        }
        if count == 0 { throw fail("holds no tokens\(what)") }
        return count
    }

    /// What speaks against this layout in a file's first bytes.
    func suspicion(_ head: [UInt8], isGuessed: Bool) -> String? {
        if header == nil && LLMCHeader(head) != nil {
            return "it starts with llm.c's header, which was read as tokens too: --data-format llm.c leaves it out"
        }
        if !isGuessed { return nil }
        if self == .u16 && Self.looksWide(head) {
            return
                "every other one of its 16-bit tokens is (close to) 0, as in files of 32-bit tokens: --data-format u32 reads "
                + "it as such"
        }
        if self == .u16 && Self.looksSwapped(head) {
            return
                "all of its 16-bit tokens are multiples of 256, as in a file whose larger byte comes first; here the smaller "
                + "one does"
        }
        if self == .bytes && head.contains(0) {
            return "it has bytes that are 0, as text has not: --data-format says how tokens lie in it"
        }
        return nil
    }

    private static func words(_ head: [UInt8]) -> [UInt16] {
        stride(from: 0, to: head.count - 1, by: 2).map { head.littleEndian(UInt16.self, at: $0) }
    }

    /// Whether 16-bit words are numbers below 256 with their bytes the wrong way round.
    private static func looksSwapped(_ head: [UInt8]) -> Bool {
        let words = words(head)
        return words.count >= 16 && words.allSatisfy { $0 % 256 == 0 } && words.contains { $0 > 0 }
    }

    /// Whether 16-bit words are by turns low and high halves, of tokens below half a million.
    private static func looksWide(_ head: [UInt8]) -> Bool {
        let words = words(head)
        guard words.count >= 16 else { return false }
        let low = stride(from: 0, to: words.count, by: 2).map { words[$0] }.max()!
        let high = stride(from: 1, to: words.count, by: 2).map { words[$0] }.max()!
        return high == 0 ? low > 0 : high < 8 && low >= 1024
    }
}

/// The header of llm.c's token files: 256 numbers of 32 bits, of which three say something.
struct LLMCHeader: Equatable, Sendable {
    static let bytes = 1024
    /// Of each token behind it.
    let bytesPerToken: Int
    let version: UInt32
    let count: UInt32
    /// The one version that llm.c writes of such files.
    var versionKnown: UInt32 { bytesPerToken == 2 ? 1 : 7 }

    /// nil when a file that starts like this has no such header.
    init?(_ head: [UInt8]) {
        guard head.count >= 12 else { return nil }
        switch head.littleEndian(UInt32.self, at: 0) {
        case 20_240_520: bytesPerToken = 2
        case 20_240_801: bytesPerToken = 4
        default: return nil
        }
        version = head.littleEndian(UInt32.self, at: 4)
        count = head.littleEndian(UInt32.self, at: 8)
    }

    func isTrue(of tokens: Int) -> Bool { version == versionKnown && Int(count) == tokens }
}
