import Threads

/// Where a step's time went on one rank. In seconds; all but the last two add up to the step.
public struct RankBreakdown: Equatable, Sendable {
    /// CPU time inside tasks, the update aside.
    public let busy: Double
    /// Inside tasks, without its CPU.
    public let displaced: Double
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
        let list = times.worked[rank]
        let inputs = times.tasks[rank].indices.map { times.handoffSeconds(TaskGraph.Node(rank: rank, task: $0)) ?? 0 }
        let updates = times.tasks[rank].reduce(0) { $0 + $1.work } - list.reduce(0) { $0 + $1.work }
        let receiving = inputs.reduce(0, +)
        let input = list.reduce(0) { $0 + seconds(from: $1.begin, to: $1.received) } - receiving
        let room = list.reduce(0) { $0 + seconds(from: $1.received, to: $1.ready) }
        let between = zip(list, list.dropFirst()).reduce(0) { $0 + seconds(from: $1.0.end, to: $1.1.begin) }
        let work = list.reduce(0) { $0 + $1.work }
        let actions = zip(times.tasks[rank], times.graph.tasks[rank]).compactMap { times, task in
            if case .action = task { times } else { nil }
        }
        busy = list.reduce(0) { $0 + $1.onCPU }
        displaced = work - busy
        waitingForInput = input
        self.receiving = receiving
        waitingForRoom = room
        handingOn = between
        updating = updates
        outside = times.seconds - work - input - receiving - room - between - updates
        idleInside =
            seconds(from: actions[0].ready, to: actions.last!.end)
            - list.reduce(0) { $1.ready >= actions[0].ready ? $0 + $1.work : $0 }
    }

    /// The mean of each term.
    init(meanOf all: [RankBreakdown]) {
        busy = all.mean(\.busy)
        displaced = all.mean(\.displaced)
        waitingForInput = all.mean(\.waitingForInput)
        receiving = all.mean(\.receiving)
        waitingForRoom = all.mean(\.waitingForRoom)
        handingOn = all.mean(\.handingOn)
        updating = all.mean(\.updating)
        outside = all.mean(\.outside)
        idleInside = all.mean(\.idleInside)
    }
}
