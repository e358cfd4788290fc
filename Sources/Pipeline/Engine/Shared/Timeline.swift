// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// The times of all tasks of the last steps of a run, written by the ranks while they run.
///
/// Two cache lines a task, in memory that was touched before the run and that the caller of a run sees too. A rank writes
/// its own part and nobody reads it before all ranks have ended, so that there is nothing to wait for.
public struct Timeline: Sendable {
    /// Steps that are kept: the last ones.
    public let steps: Int
    private let tasksOfRank: [Int]
    private let firstRecordOfRank: [Int]
    private let segment: Segment

    private static let recordBytes = 2 * SegmentLayout.lineBytes
    /// Room for the reference workload's last fifty thousand steps.
    private static let bytesMax = 256 << 20

    /// How many of a run's steps are kept.
    private static func stepsKept(_ graph: TaskGraph, of steps: Int) -> Int {
        min(steps, max(1, bytesMax / bytes(graph)))
    }

    /// Of one step.
    private static func bytes(_ graph: TaskGraph) -> Int { graph.tasks.reduce(0) { $0 + $1.count } * recordBytes }

    /// What a run of so many steps takes.
    static func bytes(_ graph: TaskGraph, steps: Int) -> Int { bytes(graph) * stepsKept(graph, of: steps) }

    /// For the last steps of a run of so many, in memory that the transport's ranks and the caller see.
    package init(_ graph: TaskGraph, steps: Int, _ transport: some Transport) throws(SegmentError) {
        tasksOfRank = graph.tasks.map(\.count)
        self.steps = Self.stepsKept(graph, of: steps)
        var first = 0
        var firstRecords: [Int] = []
        for count in tasksOfRank {
            firstRecords.append(first)
            first += count * self.steps
        }
        firstRecordOfRank = firstRecords
        segment = try transport.resultMemory(bytes: first * Self.recordBytes)
    }

    /// Touches a rank's part, so that no step has to.
    func prepare(rank: Int) {
        for step in 0..<steps {
            for task in 0..<tasksOfRank[rank] { record(TaskTimes(), rank, step: step, task: task) }
        }
    }

    /// Step counts from 0; a step that is no longer kept has been overwritten by a later one.
    @inline(__always)
    package func record(_ times: TaskTimes, _ rank: Int, step: Int, task: Int) {
        segment.store(times, in: region(rank, step, task))
    }

    /// Of a step, counted from 0 over the whole run; of one that is no longer kept, those of a later step that took its
    /// room. A rank or a task that there is not traps.
    public func times(ofRank rank: Int, step: Int, task: Int) -> TaskTimes {
        require(tasksOfRank.indices.contains(rank) && step >= 0, "no rank \(rank) or step \(step) in the timeline")
        require((0..<tasksOfRank[rank]).contains(task), "rank \(rank) has no task \(task)")
        return segment.load(from: region(rank, step, task), as: TaskTimes.self)
    }

    /// What a rank has written in so many steps, of a run that was stopped early: not more than that.
    func bytes(ofRank rank: Int, steps done: Int) -> [UInt8] {
        segment.bytes(of: region(ofRank: rank, steps: min(done, steps)))
    }

    /// Takes over what a rank has written elsewhere.
    /// - Parameter correct: turns its moments into those of the common clock.
    func write(_ bytes: [UInt8], ofRank rank: Int, _ correct: ClockCorrection) {
        let written = tasksOfRank[rank] == 0 ? 0 : bytes.count / (tasksOfRank[rank] * Self.recordBytes)
        segment.write(bytes, to: region(ofRank: rank, steps: written))
        if correct.isNone { return }
        for step in 0..<written {
            for task in 0..<tasksOfRank[rank] {
                let own = times(ofRank: rank, step: step, task: task)
                if own.begin > 0 { record(own.corrected(correct), rank, step: step, task: task) }
            }
        }
    }

    private func region(ofRank rank: Int, steps: Int) -> Region {
        Region(
            offset: firstRecordOfRank[rank] * Self.recordBytes, bytes: tasksOfRank[rank] * steps * Self.recordBytes)
    }

    @inline(__always)
    private func region(_ rank: Int, _ step: Int, _ task: Int) -> Region {
        let record = firstRecordOfRank[rank] + step % steps * tasksOfRank[rank] + task
        return Region(offset: record * Self.recordBytes, bytes: Self.recordBytes)
    }
}
