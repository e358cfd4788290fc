// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Threads

extension CostsFile {
    /// Reads costs as `text` has them.
    /// - Throws: `DataError` when the file cannot be read, is none, is of another version, or has times that are none.
    public init(path: String) throws(DataError) {
        // What the decoder makes of a number, of a key and of what they are in.
        let memory = ReadingMemory(perByte: 2, perMark: [UInt8(ascii: "{"): 170, UInt8(ascii: ":"): 100])
        let bytes = try WholeFile.read(path, memory: memory)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do { self = try decoder.decode(CostsFile.self, from: bytes) } catch {
            throw DataError(path: path, reason: "has no costs as ppthreads profile writes them: \(Self.reason(error))")
        }
        if let flaw { throw DataError(path: path, reason: flaw) }
    }

    /// The file: JSON, a value a line.
    public var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        do { return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n" } catch {
            trap("costs that are no JSON: \(error)")
        }
    }

    private static func reason(_ error: any Error) -> String {
        func path(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
            let keys = (context.codingPath + [key].compactMap(\.self)).map { key in
                key.intValue.map(String.init) ?? snakeCase(key.stringValue)
            }
            return keys.isEmpty ? "the whole" : keys.joined(separator: ".")
        }
        return switch error as? DecodingError {
        case .keyNotFound(let key, let context): "\(path(context, key)) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(path(context)) is of another type"
        default: "it is no JSON, or a number in it is too large"
        }
    }

    /// As the file has it.
    private static func snakeCase(_ name: String) -> String {
        name.map { $0.isUppercase ? "_\($0.lowercased())" : String($0) }.joined()
    }
}
