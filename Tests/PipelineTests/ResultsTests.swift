import Foundation
import Pipeline
import Testing

struct ResultsTests {
    private func analysis(_ rows: [String]) throws -> ResultsAnalysis {
        let path = FileManager.default.temporaryDirectory.appending(path: "ppthreads-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let header = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s,repeat,timestamp"
        try ([header] + rows).joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        return ResultsAnalysis(try Results.read(path))
    }

    @Test("a sample's interval is the bootstrap's that draws anew for every sample", arguments: 1...9)
    func interval(count: Int) throws {
        let sample = (0..<count).map { Double(($0 * 37 + 11) % 23 + 100) }
        let analysis = try analysis(sample.enumerated().map { "gpipe,2,4,4,\($1),0.5,\($0 + 1)," })
        #expect(analysis.groups.count == 1)
        #expect(analysis.tokensPerSecond(0) == Estimate(medianOf: sample.sorted()))
    }

    @Test("a large sample's interval is close to the bootstrap's") func largeSample() throws {
        let sample = (0..<1500).map { Double(($0 * 7919) % 1500) + 1 }
        let fast = try #require(
            try analysis(sample.enumerated().map { "gpipe,2,4,4,\($1),0.5,\($0 + 1)," }).tokensPerSecond(0))
        let exact = Estimate(medianOf: sample)
        #expect(fast.value == exact.value)
        #expect(abs(fast.low - exact.low) < 8 && abs(fast.high - exact.high) < 8)
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
