import SharedTensor
import Threads

/// When one task of one step was done, on the clock that all ranks share, in nanoseconds.
///
///     begin ... waits for its input ... received ... waits for room ... ready ... works ... end
public struct TaskTimes: BitwiseCopyable, Equatable, Sendable {
    /// The rank turned to it.
    public var begin: UInt64 = 0
    /// Its input was there.
    public var received: UInt64 = 0
    /// There was room for its output: the work began.
    public var ready: UInt64 = 0
    /// The work was done; handing on follows.
    public var end: UInt64 = 0
    /// CPU time that the rank's thread had between `ready` and `end`.
    public var cpu: UInt64 = 0

    /// Seconds of work.
    public var work: Double { Double(end - ready) / 1e9 }
    /// Seconds of work in which the rank's thread did not have its CPU.
    public var displaced: Double { Double(end - ready - min(cpu, end - ready)) / 1e9 }
}

/// The times of all tasks of the last steps of a run, written by the ranks while they run.
///
/// One cache line a task, in memory that was touched before the run and that the caller of a run sees too. A rank writes
/// its own part and nobody reads it before all ranks have ended, so that there is nothing to wait for.
public struct Timeline: Sendable {
    /// Steps that are kept: the last ones.
    public let steps: Int
    private let tasksOfRank: [Int]
    private let firstLineOfRank: [Int]
    private let segment: Segment

    private static let lineBytes = SegmentLayout.lineBytes
    /// Room for the reference workload's last hundred thousand steps.
    private static let bytesMax = 256 << 20

    init(_ graph: TaskGraph, steps: Int, _ transport: some Transport) throws(SegmentError) {
        tasksOfRank = graph.tasks.map(\.count)
        let tasks = tasksOfRank.reduce(0, +)
        self.steps = min(steps, max(1, Self.bytesMax / (tasks * Self.lineBytes)))
        var first = 0
        var firstLines: [Int] = []
        for count in tasksOfRank {
            firstLines.append(first)
            first += count * self.steps
        }
        firstLineOfRank = firstLines
        segment = try transport.resultMemory(bytes: first * Self.lineBytes)
    }

    /// Touches a rank's part, so that no step has to.
    func prepare(rank: Int) {
        for step in 0..<steps {
            for task in 0..<tasksOfRank[rank] { record(TaskTimes(), rank, step: step, task: task) }
        }
    }

    /// Step counts from 0; a step that is no longer kept has been overwritten by a later one.
    @inline(__always)
    func record(_ times: TaskTimes, _ rank: Int, step: Int, task: Int) {
        segment.store(times, in: region(rank, step, task))
    }

    public func times(ofRank rank: Int, step: Int, task: Int) -> TaskTimes {
        segment.load(from: region(rank, step, task), as: TaskTimes.self)
    }

    @inline(__always)
    private func region(_ rank: Int, _ step: Int, _ task: Int) -> Region {
        let line = firstLineOfRank[rank] + step % steps * tasksOfRank[rank] + task
        return Region(offset: line * Self.lineBytes, bytes: Self.lineBytes)
    }
}
