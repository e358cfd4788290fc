// SPDX-License-Identifier: Apache-2.0

import Threads

/// What the program itself will hold while a run is at work: the part of memory that follows from no model. It is what the
/// process holds when the run is planned, and what ranks add to that.
///
/// The constants are means over runs of the smallest models (`ppthreads-bench memory` shows how well they hold), read from
/// /proc/self/smaps_rollup of each process after the last step: the measured less everything that is planned exactly.
struct ProgramMemory: Sendable {
    /// Of each rank.
    let program: Int
    let code: Int
    /// Of the process that started the ranks, where they are processes of their own.
    let supervisor: (program: Int, code: Int)?

    private static let kibibyte = 1024
    /// What a process adds whose threads are the ranks.
    private static let threadsBytes = 72 * kibibyte
    /// What a thread adds that runs a rank: the part of its stack that it uses, what it allocates, the ends of edges.
    private static let rankThreadBytes = 68 * kibibyte
    /// What a thread adds that helps one.
    private static let helperBytes = 20 * kibibyte
    /// What a forked rank writes to, of what it inherited, and what it adds.
    private static let forkedBytes = 280 * kibibyte
    /// The same of the process that has forked them.
    private static let supervisorBytes = 255 * kibibyte
    /// What of the memory before the forks every process has written to, and so has a copy of its own of.
    private static let copiedBytes = 168 * kibibyte
    /// Code that was not used before the run, and is then, by a process whose threads are the ranks.
    private static let codeOfThreads = 800 * kibibyte
    /// Code that a forked rank uses, and the process that has forked it has used as well.
    private static let codeInherited = 6600 * kibibyte
    /// Code that forked ranks alone use.
    private static let codeOfForked = 200 * kibibyte

    /// - Parameters:
    ///   - present: what the process holds now; nil where that cannot be told.
    ///   - ranks: how many.
    init(_ present: ProcessMemory?, forksRanks: Bool, ranks: Int, threadsPerRank: Int) {
        let now = present ?? ProcessMemory(bytes: 0, codeBytes: 0, codeBytesWhole: 0)
        let helpers = (threadsPerRank - 1) * Self.helperBytes
        let others = now.codeBytes > 0 ? max(0, Double(now.codeBytesWhole) / Double(now.codeBytes) - 1) : 0
        /// The part of each of so many processes of ours, as long as nobody else starts or ends.
        func part(of bytes: Int, for processes: Int) -> Int { Int(Double(bytes) / (Double(processes) + others)) }
        guard forksRanks else {
            program = (now.otherBytes + Self.threadsBytes) / ranks + Self.rankThreadBytes + helpers
            code = (now.codeBytes + part(of: Self.codeOfThreads, for: 1)) / ranks
            supervisor = nil
            return
        }
        // A page that was there before the forks is mapped by all processes, until one of them writes to it.
        let inherited = max(0, now.otherBytes - Self.copiedBytes) / (ranks + 1)
        program = inherited + Self.forkedBytes + helpers
        let codeOfAll = part(of: Self.codeInherited, for: ranks + 1)
        code = codeOfAll + part(of: Self.codeOfForked, for: ranks)
        supervisor = (
            inherited + Self.supervisorBytes, now.codeBytes - part(of: Self.codeInherited, for: 1) + codeOfAll
        )
    }
}
