// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import Threads

/// What is told of memory that was measured, of readings that are made up.
struct MeasuredMemoryTests {
    private struct Process {
        let bytes, code: Int
        var json: String { #"{"bytes":\#(bytes),"codeBytes":\#(code),"codeBytesWhole":\#(2 * code)}"# }
    }

    private func reading(own: Int?, process: Process? = nil, supervisor: Process? = nil) throws -> MemoryReading {
        let parts = [
            own.map { "\"ownBytes\":\($0)" }, process.map { "\"process\":\($0.json)" },
            supervisor.map { "\"supervisor\":\($0.json)" },
        ]
        let text = "{\(parts.compactMap(\.self).joined(separator: ","))}"
        return try JSONDecoder().decode(MemoryReading.self, from: Data(text.utf8))
    }

    private func figures(_ transport: any Transport, _ readings: [MemoryReading]) throws -> MemoryFigures {
        var configuration = smallConfiguration(.gpt, .gpipe(ranks: readings.count, microbatches: 3))
        configuration.transport = transport
        let reports = readings.enumerated().map { rank, reading in
            var report = RankReport(rank: rank, pinnings: [.free], cpu: 0)
            report.memory = reading
            return report
        }
        return MemoryFigures(
            RunResult(plan: try RunPlan(configuration), ranks: reports, timeline: nil, began: 0, ended: 1))
    }

    @Test("ranks that are processes hold what each reads, and the supervisor its own") func processes() throws {
        let rank0 = try reading(
            own: 11, process: Process(bytes: 1_000_003, code: 70_001), supervisor: Process(bytes: 300_017, code: 20_011)
        )
        let rank1 = try reading(own: 13, process: Process(bytes: 2_000_029, code: 50_021))
        let both = try figures(ProcessTransport(), [rank0, rank1])
        #expect(both.measuredBytesOfRank == [1_000_003, 2_000_029] && both.codeBytesOfRank == [70_001, 50_021])
        #expect(both.measuredBytesOfSupervisor == 300_017 && both.codeBytesOfSupervisor == 20_011)
        #expect(both.measuredTotalBytes == 3_300_049)
        // Where one of them does not tell, nothing is told of all.
        let less = try figures(ProcessTransport(), [rank0, try reading(own: 13)])
        #expect(less.measuredBytesOfRank == nil && less.codeBytesOfRank == nil && less.measuredTotalBytes == nil)
        let alone = try figures(ProcessTransport(), [try reading(own: 11, process: Process(bytes: 7, code: 1)), rank1])
        #expect(alone.measuredBytesOfRank == [7, 2_000_029] && alone.measuredBytesOfSupervisor == nil)
        #expect(alone.measuredTotalBytes == nil)
    }

    @Test("ranks that are threads hold their own pages, slots and results, and equal parts of the rest")
    func threads() throws {
        let own = [1_000_003, 700_001, 2_000_017]
        let readings = try own.enumerated().map { rank, bytes in
            try reading(own: bytes, process: rank == 0 ? Process(bytes: 20_000_003, code: 8_000_000) : nil)
        }
        let figures = try figures(ThreadTransport(), readings)
        let measured = try #require(figures.measuredBytesOfRank)
        #expect(figures.measuredTotalBytes == 20_000_003 && measured.reduce(0, +) == 20_000_003)
        #expect(figures.measuredBytesOfSupervisor == 0 && figures.codeBytesOfSupervisor == 0)
        #expect(figures.codeBytesOfRank == [2_666_666, 2_666_667, 2_666_667])
        // Slots of edges to other ranks and results, as planned; the same part of what is left, but for a byte.
        let rest = measured.indices.map { rank in
            let account = figures.plan.ranks[rank]
            let planned = account.total - account[.program] - account[.code] - figures.plan.ownBytes[rank]
            #expect(planned > 0)
            return measured[rank] - own[rank] - planned
        }
        #expect(rest.max()! - rest.min()! <= 1 && rest.min()! > 5_000_000)
        let silent = try self.figures(ThreadTransport(), [readings[0], try reading(own: nil), readings[2]])
        #expect(silent.measuredBytesOfRank == nil && silent.measuredTotalBytes == nil)
    }
}
