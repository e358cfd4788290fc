// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

struct ResultsTests {
    private func analysis(_ rows: [String], then more: String = "") throws -> ResultsAnalysis {
        let path = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let header = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s,repeat,timestamp" + more
        try ([header] + rows).joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        return ResultsAnalysis(try Results.read(path))
    }

    @Test("a group's figure is its median, with the interval of that; one run has none", arguments: 1...9)
    func interval(count: Int) throws {
        let sample = (0..<count).map { Double(($0 * 37 + 11) % 23 + 100) }
        let analysis = try analysis(sample.enumerated().map { "gpipe,2,4,4,\($1),0.5,\($0 + 1)," })
        #expect(analysis.groups.count == 1)
        #expect(analysis.tokensPerSecond(0) == Estimate(medianOf: sample))
        #expect((analysis.tokensPerSecond(0)?.interval != nil) == (count >= 5))
    }

    /// Rows of groups whose first is GPipe, each with its repeats and their tokens/s.
    private func rows(_ groups: [(schedule: String, repeats: Range<Int>, tokens: [Double])]) -> [String] {
        groups.flatMap { group in
            zip(group.repeats, group.tokens).map { "\(group.schedule),2,4,4,\($1),0.5,\($0)," }
        }
    }

    private static let slow = [101.0, 99, 202, 400, 303, 98, 97, 150]
    private static let fast = [111.0, 108, 230, 430, 330, 107, 109, 165]

    @Test("speedups are within repeats, and their intervals hold together") func paired() throws {
        let one = try analysis(rows([("1f1b", 1..<9, Self.fast), ("gpipe", 1..<9, Self.slow)]))
        let ratios = zip(Self.fast, Self.slow).map { $0 / $1 }
        #expect(one.speedupCount == 1 && one.speedup(1) == Estimate(ratios: ratios, among: 1))
        #expect(one.speedup(0) == Estimate(value: 1, interval: nil))
        let two = try analysis(
            rows([("1f1b", 1..<9, Self.fast), ("gpipe", 1..<9, Self.slow), ("zb-h1", 1..<9, Self.fast)]))
        #expect(two.speedupCount == 2 && two.speedup(1) == Estimate(ratios: ratios, among: 2))
        let few = try analysis(rows([("1f1b", 1..<5, Self.fast), ("gpipe", 1..<5, Self.slow)]))
        #expect(few.speedupCount == 0 && few.speedup(1)?.interval == nil)
        #expect(few.speedup(1)?.value == Estimate(ratios: Array(ratios.prefix(4)), among: 1).value)
    }

    @Test("a GPipe run that failed does not stand in the way of one that went well") func failedBase() throws {
        let analysis = try analysis(
            ["gpipe,2,4,4,,,1,,1,failed", "gpipe,2,4,4,80,0.5,1,,2,", "1f1b,2,4,4,100,0.5,1,,1,"],
            then: ",virtual_stages,error")
        #expect(analysis.groups.compactMap { analysis.speedup($0)?.value } == [1, 1.25])
    }

    @Test("the ideal is P times one stage's rate, less the bubble of equal stages") func ideal() throws {
        let analysis = try analysis(
            ["gpipe,1,4,4,90,0.5,,,6,1", "gpipe,3,4,4,150,0.5,,,6,1", "interleaved,3,4,4,160,0.5,,,6,2"],
            then: ",microbatches,virtual_stages")
        // 3 x 90 x 6 / (6 + 2), and with two stages a rank 3 x 90 x 12 / (12 + 2).
        let ideals = analysis.groups.compactMap { analysis.idealTokensPerSecond($0) }.sorted()
        #expect(ideals.count == 3 && ideals[0] == 90 && abs(ideals[1] - 202.5) < 1e-9)
        #expect(abs(ideals[2] - 3240.0 / 14) < 1e-9)
    }

    @Test("of other repeats the speedup is the ratio of medians, from the ends of both intervals") func unpaired()
        throws
    {
        let analysis = try analysis(rows([("1f1b", 2..<10, Self.fast), ("gpipe", 1..<9, Self.slow)]))
        let (above, below) = (Estimate(ratios: Self.fast, among: 2), Estimate(ratios: Self.slow, among: 2))
        let speedup = try #require(analysis.speedup(1))
        #expect(speedup.value == above.value / below.value)
        #expect(speedup.interval?.lowerBound == above.interval!.lowerBound / below.interval!.upperBound)
        #expect(speedup.interval?.upperBound == above.interval!.upperBound / below.interval!.lowerBound)
    }

    @Test(
        "numbers are read to the last bit",
        arguments: [
            "623.89", "0.000123456789012345678", "1e-7", "900719925474099.3", "123456789012345.678901234567890",
            "0.1000000000000000055511151231257827", "17", "2352659.2378607917", "103.03515748823385",
            "247324892.09496226", ".5", "5.", "2.2250738585072014e-8", "1E5",
        ])
    func numbers(text: String) throws {
        let value = try #require(Double(text.hasPrefix(".") ? "0\(text)" : text.hasSuffix(".") ? text + "0" : text))
        #expect(try analysis(["gpipe,2,4,4,\(text),0.5,,"]).tokensPerSecond(0)?.value == value)
    }

    @Test(
        "what is no decimal number is none",
        arguments: ["nan", "inf", "0x10", "", " 1", "1 ", "1e999", "-", ".", "-5", "0"])
    func notNumbers(text: String) throws {
        #expect(throws: DataError.self) { try analysis(["gpipe,2,4,4,\(text),0.5,,"]) }
    }

    @Test("a row with a value too many or too few is told, and not read from the wrong columns")
    func otherCounts() throws {
        for row in ["gpipe,2,4,4,100,0.5,,,9", "gpipe,2,4,4,100,0.5,"] {
            #expect(throws: DataError.self) { try analysis([row]) }
        }
    }

    @Test(
        "a setting that may be as large as anybody likes is a number all the same", arguments: ["1e999", "-1", "nan"])
    func rates(text: String) throws {
        #expect(try analysis(["gpipe,2,4,4,100,0.5,,,1e30"], then: ",lr").groups.count == 1)
        #expect(throws: DataError.self) { try analysis(["gpipe,2,4,4,100,0.5,,,\(text)"], then: ",lr") }
    }

    @Test(
        "the later of two points in time is found, however they are written",
        arguments: [
            ("2025-09-20T10:00:00Z", "2025-09-20T10:00:01Z"), ("2025-09-20 10:00:00.1", "2025-09-20 10:00:00.25"),
            ("2025-09-20T10:00:00+02:00", "2025-09-20T09:00:00Z"), ("2024-02-29", "2024-03-01"), ("99", "100"),
            ("", "2024-03-01"),
            ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"), ("1767225599.5", "2026-01-01"),
            ("2026-01-01", "1767225600.5"), ("1969-12-31T23:59:59Z", "1970-01-01"), ("2099-12-31", "2100-01-01"),
            ("2100-02-28T23:59:59.9", "2100-03-01"), ("2026-05-31T23:59:59.9", "2026-05-32"),
        ])
    func times(earlier: String, later: String) throws {
        for (first, second) in [("1,0.5,,\(later)", "2,0.5,,\(earlier)"), ("2,0.5,,\(earlier)", "1,0.5,,\(later)")] {
            let analysis = try analysis(["gpipe,2,4,4,\(first)", "gpipe,2,4,4,\(second)"])
            #expect(analysis.tokensPerSecond(0)?.value == 1)
        }
    }
}
