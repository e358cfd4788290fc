// SPDX-License-Identifier: Apache-2.0

import Threads

/// Which waits of a step are for the rank that has the most work, rather than for the order.
///
/// All ranks idle for as long as the step lasts beyond the most that a rank needed: so much is the order's. A rank that has less to
/// do idles longer, by just what it has less, and the mean of that over ranks is the imbalance. So much of its waits is told to
/// be for that: the latest first, since it waits for the first inputs as any rank would, and then time and again for the slower one.
public struct WaitCauses: Equatable, Sendable {
    /// The rank that has the most work; the first of several.
    public let busiest: Int
    /// For each rank, how much less it has to do than that one; in the unit of the work, as all here.
    public let lacking: [Double]
    /// For each rank and wait, how much of it, up to its end, is for the imbalance; 0 or the whole of it for all waits but one.
    public let parts: [[Double]]

    /// - Parameters:
    ///   - work: of each rank, its CPU time without updates and sums over copies.
    ///   - waits: of each rank, their lengths in the order of time.
    public init(work: [Double], waits: [[Double]]) {
        require(work.count == waits.count && !work.isEmpty, "work and waits of \(work.count) and \(waits.count) ranks")
        let most = work.max()!
        busiest = work.firstIndex(of: most)!
        lacking = work.map { most - $0 }
        parts = zip(lacking, waits).map { lacking, waits in
            var left = lacking
            return Array(
                waits.reversed().map { wait in
                    let part = min(max(0, wait), left)
                    left -= part
                    return part
                }.reversed())
        }
    }

    /// The term of the same name.
    public var imbalance: Double { lacking.reduce(0, +) / Double(lacking.count) }
}

extension StepTimes {
    /// Of the waits of each task in its rank's order, for its input and then for room, in seconds.
    public var waitCauses: WaitCauses {
        WaitCauses(
            work: needed,
            waits: tasks.map {
                $0.flatMap { times in
                    [(times.begin, times.received), (times.received, times.ready)].map {
                        Pipeline.seconds(from: $0, to: $1)
                    }
                }
            })
    }
}

extension WaitCauses {
    /// Of spans of one step, whose waits are in the order of time; in microseconds. Nil where a task does not tell its CPU time.
    ///
    /// - Parameter spans: for each rank.
    public init?(_ spans: [[TraceFile.Span]]) {
        let others = [RankTask.Kind.update, .reduction].map(\.rawValue)
        let tasks = spans.map { $0.filter { !$0.isWait && !others.contains($0.category) } }
        if tasks.joined().isEmpty || tasks.joined().contains(where: { $0.cpu == nil }) { return nil }
        self.init(
            work: tasks.map { $0.reduce(0) { $0 + ($1.cpu ?? 0) } },
            waits: spans.map { $0.filter(\.isWait).map(\.duration) })
    }
}
