// SPDX-License-Identifier: Apache-2.0

import Threads

/// Where a step's time went on one rank. In seconds; all but the last two add up to the step.
public struct RankBreakdown: Equatable, Sendable {
    /// CPU time inside tasks, the update aside, and what sums gradients over copies.
    public let busy: Double
    /// Without its CPU, while it worked or could have.
    public let displaced: Double
    /// CPU time of tasks that sum gradients over copies.
    public let reducing: Double
    /// Waiting for an input that its sender had not handed on yet.
    public let waitingForInput: Double
    /// From the moment that an input was handed on, or that the rank turned to it, to the moment that the rank had it: what
    /// the hand-off took, and waking up where it slept.
    public let receiving: Double
    /// Waiting for a slot to write to.
    public let waitingForRoom: Double
    /// Between the tasks: handing on, giving slots back.
    public let handingOn: Double
    /// The optimizer.
    public let updating: Double
    /// The rest of the step: before the first task, and after the update until the last rank had finished its own.
    public let outside: Double

    /// The bubble inside: from the start of the rank's first action to the end of its last one, less what it worked there.
    public let idleInside: Double
    /// The bubble over the whole step: all the time in which it did not work.
    public var idle: Double { waitingForInput + receiving + waitingForRoom + handingOn + outside }

    /// Of one step; a rank that there is not traps.
    public init(_ times: StepTimes, rank: Int) {
        require(times.tasks.indices.contains(rank), "there is no rank \(rank)")
        let (all, losses, tasks) = (times.tasks[rank], times.losses[rank], times.graph.tasks[rank])
        let nodes = all.indices.map { TaskGraph.Node(rank: rank, task: $0) }
        let actions = zip(all, tasks).compactMap { times, task in
            if case .action = task { times } else { nil }
        }
        func onCPU(_ counts: (RankTask) -> Bool) -> Double {
            zip(all, tasks).reduce(0) { $0 + (counts($1.1) ? $1.0.onCPU : 0) }
        }
        busy = onCPU(\.isOfPipeline)
        reducing = onCPU { $0.kind == .reduction }
        updating = onCPU { $0 == .update }
        displaced =
            all.reduce(0) { $0 + $1.displaced } + losses.reduce(0) { $0 + $1.before + $1.ready + $1.after }
        waitingForInput = nodes.reduce(0) { $0 + seconds(from: all[$1.task].begin, to: times.bothReady($1)) }
        receiving = nodes.reduce(0) { $0 + (times.handoffSeconds($1) ?? 0) }
        waitingForRoom =
            nodes.reduce(0) { $0 + seconds(from: times.bothReady($1), to: all[$1.task].ready) - losses[$1.task].ready }
            - receiving
        // What it lost there is told already.
        handingOn = all.indices.dropFirst().reduce(0) { sum, task in
            if tasks[task] == .update { return sum }
            return sum + seconds(from: all[task - 1].end, to: all[task].begin) - losses[task - 1].after
                - losses[task].before
        }
        outside =
            times.seconds - busy - reducing - updating - displaced - waitingForInput - receiving - waitingForRoom
            - handingOn
        let (first, last) = (actions[0], actions.last!)
        idleInside =
            seconds(from: first.ready, to: last.end)
            - all.reduce(0) { $1.ready >= first.ready && $1.end <= last.end ? $0 + $1.work : $0 }
    }

    /// The mean of each term.
    init(meanOf all: [RankBreakdown]) {
        busy = all.mean(\.busy)
        displaced = all.mean(\.displaced)
        reducing = all.mean(\.reducing)
        waitingForInput = all.mean(\.waitingForInput)
        receiving = all.mean(\.receiving)
        waitingForRoom = all.mean(\.waitingForRoom)
        handingOn = all.mean(\.handingOn)
        updating = all.mean(\.updating)
        outside = all.mean(\.outside)
        idleInside = all.mean(\.idleInside)
    }
}
