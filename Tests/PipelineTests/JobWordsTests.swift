// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// What processes of a job tell each other, as bytes.
struct JobWordsTests {
    @Test("answers that were joined are parted again, the missing and the empty ones too")
    func parted() {
        let long = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        for answers: [[UInt8]?] in [
            [nil], [[]], [[1], nil, [], [2, 3], nil], [nil, long, [9]], [[0, 0, 0, 0, 0, 0, 0, 0, 0]],
        ] {
            let joined = JobWords.joined(answers)
            #expect(JobWords.parted(joined, answers.count) == answers)
        }
        #expect(JobWords.joined([[5], nil]) == [2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("of bytes that end too early, what lacks is missing") func short() {
        let joined = JobWords.joined([[1, 2, 3], [4, 5]])
        #expect(JobWords.parted(Array(joined.prefix(11)), 2) == [[1, 2, 3], nil])
        #expect(JobWords.parted([], 3) == [nil, nil, nil])
    }

    @Test("numbers that are not finite are told as well") func notFinite() throws {
        let told: [Double]? = JobWords.value(JobWords.bytes([Double.infinity, -.infinity, .nan, 0.1]))
        let values = try #require(told)
        #expect(values[0] == .infinity && values[1] == -.infinity && values[2].isNaN && values[3] == 0.1)
    }

    @Test("what is no such value is none") func other() {
        let none: Int? = JobWords.value(JobWords.bytes(["text"]))
        let nothing: [Int]? = JobWords.value([])
        #expect(none == nil && nothing == nil)
    }
}
