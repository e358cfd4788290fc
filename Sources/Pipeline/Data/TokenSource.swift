import FoundationEssentials
import SharedTensor

/// Where a run's tokens come from. The same step and row give the same tokens to every rank that asks.
public enum TokenSource: Sendable {
    /// Uniform random tokens.
    case random(seed: UInt64)
    case file(TokenFile)

    /// Writes the inputs of rows `first ..< first + rows` of a step, and the targets: the same, shifted by one.
    ///
    /// - Parameters:
    ///   - batch: rows of a whole step, over all microbatches.
    ///   - inputs: [rows, length], or empty to leave them out; likewise `targets`.
    public func fill(step: Int, batch: Int, length: Int, vocabulary: Int, inputs: Tokens, targets: Tokens) {
        for row in 0..<batch {
            for place in 0...length {
                let token =
                    switch self {
                    case .random(let seed):
                        Self.randomToken(seed, vocabulary, UInt64((step * batch + row) * (length + 1) + place))
                    case .file(let file):
                        file.token(at: (step * batch + row) * length + place)
                    }
                if place < length && inputs.count > 0 { inputs[row * length + place] = token }
                if place > 0 && targets.count > 0 { targets[row * length + place - 1] = token }
            }
        }
    }

    private static func randomToken(_ seed: UInt64, _ vocabulary: Int, _ place: UInt64) -> Int32 {
        Int32(CounterRandom(seed: seed, name: "tokens").integer(below: UInt64(vocabulary), at: place))
    }
}

/// A file of tokens: bytes, or 16-bit little-endian numbers when its name ends in `.bin`.
///
/// Row b of step t starts at token (t B + b) S, B rows a step, S tokens a row; places wrap around at the end.
/// A `.bin` file is nanoGPT's (numbers only) or llm.c's (a header of 1024 bytes that starts with 20240520).
public struct TokenFile: Sendable {
    private let data: Data
    private let offset: Int
    private let bytesPerToken: Int
    /// Tokens in the file.
    public let count: Int

    /// - Throws: `DataError` when the file cannot be read, is empty, or is not of the layout its name promises.
    public init(path: String) throws(DataError) {
        data = try WholeFile.read(path)
        bytesPerToken = path.hasSuffix(".bin") ? 2 : 1
        offset = bytesPerToken == 2 ? try Self.headerBytes(data, path) : 0
        if (data.count - offset) % bytesPerToken != 0 {
            throw DataError(path: path, reason: "has \(data.count) bytes, which is no whole number of 16-bit tokens")
        }
        count = (data.count - offset) / bytesPerToken
        if count == 0 { throw DataError(path: path, reason: "holds no tokens") }
    }

    /// The vocabulary that the layout suggests when none is asked for: a byte's, or GPT-2's.
    public var standardVocabulary: Int { bytesPerToken == 1 ? 256 : 50257 }

    /// The token at a place, which wraps around.
    func token(at place: Int) -> Int32 {
        let index = data.startIndex + offset + place % count * bytesPerToken
        return bytesPerToken == 1 ? Int32(data[index]) : Int32(data[index]) | Int32(data[index + 1]) << 8
    }

    /// Checks the first `used` tokens, or all when there are fewer.
    /// - Throws: `DataError` with the place of the first token outside the vocabulary.
    public func check(vocabulary: Int, used: Int, path: String) throws(DataError) {
        if vocabulary > (bytesPerToken == 1 ? 255 : 65535) { return }
        for place in 0..<min(used, count) where Int(token(at: place)) >= vocabulary {
            throw DataError(
                path: path,
                reason: "token \(token(at: place)) at position \(place) is outside the vocabulary of \(vocabulary)")
        }
    }

    private static func headerBytes(_ data: Data, _ path: String) throws(DataError) -> Int {
        guard data.count >= 1024 else { return 0 }
        func word(_ index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(data[data.startIndex + 4 * index + $1]) << UInt32(8 * $1) }
        }
        if word(0) == 20_240_801 {
            throw DataError(path: path, reason: "holds 32-bit tokens (llm.c's Llama 3 layout); 16-bit ones are allowed")
        }
        guard word(0) == 20_240_520 else { return 0 }
        if word(1) != 1 || Int(word(2)) * 2 != data.count - 1024 {
            throw DataError(
                path: path,
                reason: "its llm.c header says version \(word(1)) and \(word(2)) tokens, but the file has room for "
                    + "\((data.count - 1024) / 2)")
        }
        return 1024
    }
}
