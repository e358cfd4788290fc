// SPDX-License-Identifier: Apache-2.0

/// How `--data-format` calls the ways in which tokens lie in a file.
public enum TokenFormat: String, CaseIterable, Sendable {
    /// By llm.c's header if there is one, else by the end of the name: `.bin` and `.u16` for 16-bit tokens, `.u32` for
    /// 32-bit ones, bytes for all others.
    case auto
    case bytes
    /// Little-endian numbers and nothing else, as nanoGPT writes them.
    case u16
    case u32
    /// Behind llm.c's header of 1024 bytes.
    case llmc = "llm.c"
}

/// A file of tokens: bytes, or little-endian numbers of 16 or 32 bits.
///
/// Row b of step t starts at token (t B + b) S, B rows a step, S tokens a row; positions wrap around at the end. Tokens are
/// read when they are needed, so that it does not matter how large the file is.
public struct TokenFile: Sendable {
    let file: ReadableFile
    let layout: TokenLayout
    /// Tokens in the file.
    public let count: Int
    /// What looks as if it were not read as it is meant, for a person; nil when all is well.
    public let suspicion: String?

    /// - Throws: `DataError` when the file cannot be read, is empty, or is not of the format that was asked for; with
    ///   `auto`, also when it is of a format that holds no tokens.
    public init(path: String, format: TokenFormat = .auto) throws(DataError) {
        let file = try ReadableFile(path: path)
        let head = try KnownFormat.head(of: file)
        layout = try TokenLayout(format, head, file)
        self.file = file
        count = try layout.count(in: file)
        suspicion = format == .llmc ? nil : layout.suspicion(head, isGuessed: format == .auto)
    }

    /// As it was given.
    public var path: String { file.path }

    /// Whether nobody has written to the file since it was opened, or has set its time.
    var isUntouched: Bool { get throws(DataError) { try file.isUntouched } }

    /// How its tokens lie, for a person, such as `bytes` or `16-bit tokens after llm.c's header`.
    public var layoutName: String { layout.name }

    /// The vocabulary that the layout suggests when none is asked for: a byte's, GPT-2's, or Llama 3's.
    public var standardVocabulary: Int {
        switch layout.bytesPerToken {
        case 1: 256
        case 2: 50257
        default: 128_256
        }
    }
}

/// The part of a token file that was read last. One for each reader; it allocates nothing after it was made.
struct TokenWindow {
    private let tokens: TokenFile
    private var bytes: [UInt8]
    /// Positions of the tokens that `bytes` starts with.
    private var held = 0..<0

    private static let bytesMost = 65536

    init(_ tokens: TokenFile) {
        self.tokens = tokens
        bytes = Array(repeating: 0, count: min(Self.bytesMost, tokens.count * tokens.layout.bytesPerToken))
    }

    /// The token at a position from 0, which wraps around.
    /// - Throws: `DataError` when it is outside the vocabulary, or the file no longer has it.
    mutating func token(at position: Int, below vocabulary: Int) throws(DataError) -> Int32 {
        let position = position % tokens.count
        if !held.contains(position) { try read(from: position) }
        let width = tokens.layout.bytesPerToken
        let first = (position - held.lowerBound) * width
        var token = UInt32(bytes[first])
        for byte in 1..<max(1, width) { token |= UInt32(bytes[first + byte]) << UInt32(8 * byte) }
        if token > Int32.max || Int(token) >= vocabulary { throw outside(token, position, vocabulary) }
        return Int32(token)
    }

    private mutating func read(from position: Int) throws(DataError) {
        let width = tokens.layout.bytesPerToken
        let count = min(bytes.count / width, tokens.count - position)
        held = 0..<0
        try tokens.file.read(into: &bytes, count: count * width, at: tokens.layout.headerBytes + position * width)
        held = position..<position + count
    }

    private func outside(_ token: UInt32, _ position: Int, _ vocabulary: Int) -> DataError {
        let negative = token > Int32.max ? " (\(Int32(bitPattern: token)) as a number with a sign)" : ""
        return DataError(
            path: tokens.path,
            reason: "token \(token)\(negative) at position \(position) is outside the vocabulary of \(vocabulary)")
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
