// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Values as the bytes that processes of a job tell each other.
package enum JobWords {
    /// Of a value whose numbers are all finite.
    package static func bytes(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        // What is not finite is told as well.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard let data = try? encoder.encode(value) else { return [] }
        return Array(data)
    }

    /// Nil when they are of no such value.
    package static func value<Value: Decodable>(_ bytes: [UInt8]) -> Value? {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try? decoder.decode(Value.self, from: Data(bytes))
    }

    /// Answers one after the other, each after its length + 1; 0 is for one that is missing.
    package static func joined(_ answers: [[UInt8]?]) -> [UInt8] {
        answers.flatMap { answer in
            let length = answer.map { UInt64($0.count) + 1 } ?? 0
            return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + (answer ?? [])
        }
    }

    /// As they were before they were joined.
    package static func parted(_ bytes: [UInt8], _ count: Int) -> [[UInt8]?] {
        var rest = bytes[...]
        return (0..<count).map { _ in
            let length = rest.prefix(8).enumerated().reduce(UInt64(0)) {
                $0 | UInt64($1.element) << UInt64(8 * $1.offset)
            }
            rest = rest.dropFirst(8)
            if length == 0 { return nil }
            let answer = Array(rest.prefix(Int(length - 1)))
            rest = rest.dropFirst(Int(length - 1))
            return answer
        }
    }
}
