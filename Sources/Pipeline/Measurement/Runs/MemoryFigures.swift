// SPDX-License-Identifier: Apache-2.0

import Threads

/// The memory that a run held after its last step, beside what was planned.
///
/// A rank that is a process holds what the kernel counts for it (PSS). Ranks that are threads of one process cannot be told
/// apart like that: each holds the pages of its own mapping, its slots and results as planned, and an equal part of whatever
/// else the process holds.
public struct MemoryFigures: Sendable {
    /// What was planned.
    public let plan: MemoryPlan
    /// For each rank; nil where the kernel did not tell.
    public let measuredBytesOfRank: [Int]?
    /// Of the process that started ranks that are processes; 0 where it is that of the ranks.
    public let measuredBytesOfSupervisor: Int?
    /// For each rank, what of the measured is code.
    public let codeBytesOfRank: [Int]?
    /// The same of the process that started ranks that are processes.
    public let codeBytesOfSupervisor: Int?

    /// Of all processes.
    public var measuredTotalBytes: Int? {
        guard let measuredBytesOfRank, let measuredBytesOfSupervisor else { return nil }
        return measuredBytesOfRank.reduce(measuredBytesOfSupervisor, +)
    }

    /// Of a run.
    public init(_ result: RunResult) {
        self.init(plan: result.plan.memory, result.ranks.map(\.memory))
    }

    init(plan: MemoryPlan, _ readings: [MemoryReading]) {
        self.plan = plan
        let processes = readings.compactMap(\.process)
        if plan.supervisor != nil {
            let areComplete = processes.count == readings.count
            measuredBytesOfRank = areComplete ? processes.map(\.bytes) : nil
            codeBytesOfRank = areComplete ? processes.map(\.codeBytes) : nil
            measuredBytesOfSupervisor = readings[0].supervisor?.bytes
            codeBytesOfSupervisor = readings[0].supervisor?.codeBytes
            return
        }
        let own = readings.compactMap(\.ownBytes)
        (measuredBytesOfSupervisor, codeBytesOfSupervisor) = (0, 0)
        guard let process = processes.first, own.count == readings.count else {
            (measuredBytesOfRank, codeBytesOfRank) = (nil, nil)
            return
        }
        // Its slots of edges to other ranks, and its results.
        let others = zip(plan.ranks, plan.ownBytes).map { $0.total - $0[.program] - $0[.code] - $1 }
        let known = zip(own, others).map { $0 + $1 }
        let parts = Self.parts(of: process.bytes - known.reduce(0, +), known.count)
        measuredBytesOfRank = zip(known, parts).map { $0 + $1 }
        codeBytesOfRank = Self.parts(of: process.codeBytes, known.count)
    }

    /// Equal parts, which add up.
    private static func parts(of bytes: Int, _ count: Int) -> [Int] {
        (0..<count).map { bytes * ($0 + 1) / count - bytes * $0 / count }
    }
}
