// SPDX-License-Identifier: Apache-2.0

import Threads

/// A step that nothing disturbs, worked out before anything runs: of the same type as a measured one, so that it is told, drawn and
/// compared by the same code.
public struct Simulation: Sendable {
    /// Whose tasks they are.
    public let schedule: Schedule
    /// What each task waits for.
    public let graph: TaskGraph
    /// CPU seconds of each rank's tasks.
    public let durations: [[Double]]
    /// What hand-offs cost.
    public let link: Replay.Link
    /// What ranks share.
    public let circumstances: Circumstances
    /// Where the step's time goes.
    public let breakdown: Breakdown
    /// The step with all of that.
    public let replay: Replay

    /// - Parameters:
    ///   - schedule: a sound one.
    ///   - graph: its tasks.
    ///   - durations: CPU seconds, for each rank and task.
    ///   - link: what hand-offs cost.
    ///   - circumstances: what ranks share; nothing unless given.
    public init(
        _ schedule: Schedule, _ graph: TaskGraph, durations: [[Double]], link: Replay.Link,
        in circumstances: Circumstances = Circumstances()
    ) {
        (self.schedule, self.graph, self.durations) = (schedule, graph, durations)
        (self.link, self.circumstances) = (link, circumstances)
        replay = Replay(graph, durations: durations, link: link, in: circumstances)
        let moments = SimulatedMoments(graph, durations, replay, link, circumstances)
        // Of copies, hand-offs of two kinds have to be told apart, as in a measured step.
        breakdown =
            graph.hasReductions
            ? Breakdown(moments.times) : Breakdown(graph, durations: durations, whole: replay, in: circumstances)
    }

    /// How long the step takes, in seconds.
    public var step: Double { replay.step }

    /// When everything is done, on a clock that begins with the release into the step; rounded to nanoseconds.
    public var times: StepTimes { SimulatedMoments(graph, durations, replay, link, circumstances).times }
}

/// What a replay says of each task, as a run's timeline would have it.
private struct SimulatedMoments {
    private let graph: TaskGraph
    private let durations: [[Double]]
    private let replay: Replay
    private let link: Replay.Link
    private let circumstances: Circumstances

    init(
        _ graph: TaskGraph, _ durations: [[Double]], _ replay: Replay, _ link: Replay.Link,
        _ circumstances: Circumstances
    ) {
        (self.graph, self.durations, self.replay) = (graph, durations, replay)
        (self.link, self.circumstances) = (link, circumstances)
    }

    var times: StepTimes {
        let (left, arrivals) = replay.handedOn(graph, link: link, in: circumstances)
        let tasks = graph.tasks.indices.map { rank in
            graph.tasks[rank].indices.map { task in
                let node = TaskGraph.Node(rank: rank, task: task)
                let arrival = graph.senders(of: node).map { arrivals[$0.rank][$0.task] }.max() ?? 0
                return times(node, turned: task > 0 ? left[rank][task - 1] : 0, arrival: arrival)
            }
        }
        return StepTimes(graph, released: 0, seconds: Double(nanoseconds(replay.step)) / 1e9, tasks: tasks)
    }

    /// - Parameters:
    ///   - turned: when the rank turned to it.
    ///   - arrival: when the last of its inputs could be received.
    private func times(_ node: TaskGraph.Node, turned: Double, arrival: Double) -> TaskTimes {
        let (start, end) = (replay.start[node.rank][node.task], replay.end[node.rank][node.task])
        var times = TaskTimes()
        times.begin = nanoseconds(turned)
        times.received = max(times.begin, nanoseconds(min(start, arrival)))
        times.ready = max(times.received, nanoseconds(start))
        times.end = max(times.ready, nanoseconds(end))
        times.sent = times.end
        times.inputWait = times.received > times.begin ? .spun : .ready
        let passed = times.end - times.ready
        times.lostWorking =
            circumstances.cpuOfRank == nil ? 0 : passed - min(passed, nanoseconds(durations[node.rank][node.task]))
        return times
    }

    private func nanoseconds(_ seconds: Double) -> UInt64 { UInt64((seconds * 1e9).rounded()) }
}
