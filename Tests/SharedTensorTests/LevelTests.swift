// SPDX-License-Identifier: Apache-2.0

import Foundation
import SharedTensor
import Testing
import Threads

struct LevelTests {
    @Test("the best level is the widest that the system says its CPU has") func widest() throws {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        // A line of the first CPU; without it, as on other architectures, there is nothing but the portable level.
        let line = text.split(separator: "\n").first { $0.hasPrefix("flags") }
        let flags = Set(line?.split(separator: " ") ?? [])
        let level: SIMDLevel =
            if flags.isSuperset(of: ["avx2", "fma", "avx512f", "avx512vl", "avx512dq", "avx512bw"]) {
                .avx512
            } else if flags.isSuperset(of: ["avx2", "fma"]) { .avx2 } else { .portable }
        #expect(SIMDLevel.best == level)
        #expect(SIMDLevel.allCases.filter(\.isSupported) == Array(SIMDLevel.allCases.prefix { $0 != level }) + [level])
    }

    /// Products whose rows are shared, since they have few columns, and whose sums are as long as these.
    private func products(_ level: SIMDLevel, _ lengths: some Sequence<Int>, _ team: Team) throws -> [[UInt32]] {
        let bench = try Bench(level, team: team)
        return lengths.flatMap { k in
            [(37, 17), (64, 48), (13, 5)].map { m, n in
                let (a, b, c) = (bench.tensor(Shape(m, k)), bench.tensor(Shape(k, n)), bench.tensor(Shape(m, n)))
                bench.kernels.multiply(a.matrix, b.matrix, into: c.matrix)
                return c.values.map(\.bitPattern)
            }
        }
    }

    @Test(
        "the members of a team change no bit of products whose rows they share, at any length around the longest run",
        arguments: SIMDLevel.allCases.filter(\.isSupported), [2, 3])
    func sharedRows(level: SIMDLevel, members: Int) throws {
        let alone = try Team(name: "alone", helperCPUs: [], patience: .sharedCPU)
        let team = try Team(
            name: "team", helperCPUs: Array(repeating: nil, count: members - 1), patience: .sharedCPU)
        defer {
            alone.end()
            team.end()
        }
        let lengths = Array(220...260) + [143, 144, 145, 448, 449]
        let (expected, results) = (try products(level, lengths, alone), try products(level, lengths, team))
        let wrong = zip(expected, results).enumerated().filter { $1.0 != $1.1 }.map { lengths[$0.offset / 3] }
        #expect(wrong.isEmpty, "other bits at k = \(wrong)")
    }
}
