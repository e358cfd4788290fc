// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Values as the bytes that processes of a job tell each other.
package enum JobWords {
    /// As JSON; numbers that are not finite are told as well.
    package static func bytes(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
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

    /// Eight bytes, the lowest first.
    static func bytes(ofNumber number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// Of such bytes.
    static func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
    }

    /// Answers one after the other, each after its length + 1; 0 is for one that is missing.
    package static func joined(_ answers: [[UInt8]?]) -> [UInt8] {
        answers.flatMap { answer in
            bytes(ofNumber: answer.map { UInt64($0.count) + 1 } ?? 0) + (answer ?? [])
        }
    }

    /// As they were before they were joined.
    package static func parted(_ bytes: [UInt8], _ count: Int) -> [[UInt8]?] {
        var rest = bytes[...]
        return (0..<count).map { _ in
            let length = number(rest.prefix(8))
            rest = rest.dropFirst(8)
            if length == 0 { return nil }
            let answer = Array(rest.prefix(Int(length - 1)))
            rest = rest.dropFirst(Int(length - 1))
            return answer
        }
    }
}

extension Job {
    /// Tells all processes a value, and is told theirs; nil of one that did not answer in time.
    /// - Parameter needed: how many of the first are waited for so long; all unless given.
    func tell<Value: Codable & SendableMetatype>(
        _ value: Value, within seconds: Double, needing needed: Int? = nil
    ) throws(JobError) -> [Value?] {
        try exchange(JobWords.bytes(value), within: seconds, needing: needed ?? size)
            .map { $0.flatMap(JobWords.value) }
    }

    /// The same with bytes, which the needed processes have to answer.
    /// - Parameter needed: how many of the first; all unless given.
    /// - Returns: what each of these has told.
    /// - Throws: `JobError.silent`.
    func tellAll(_ bytes: [UInt8], needing needed: Int? = nil) throws(JobError) -> [[UInt8]] {
        let answers = try exchange(bytes, within: JobOfProgram.agreementSeconds, needing: needed ?? size)
            .prefix(needed ?? size)
        let silent = answers.indices.filter { answers[$0] == nil }
        if !silent.isEmpty { throw .silent(ranks: silent) }
        return answers.compactMap(\.self)
    }
}
