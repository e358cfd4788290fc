/// Where a step's time went. All terms are in seconds and add up to the step.
public struct Breakdown: Equatable, Sendable {
    /// Mean over ranks of the CPU time inside tasks, the update aside.
    public let work: Double
    /// Mean over ranks of the time inside tasks in which the rank's thread did not have its CPU.
    public let oversubscription: Double
    /// The most that a rank had to do, less the mean.
    public let imbalance: Double
    /// What the schedule's order adds with hand-offs that cost nothing: the makespan of the replay, less the most that a
    /// rank had to do.
    public let bubble: Double
    /// What the hand-offs add: the measured makespan, less the replay's.
    public let transport: Double
    /// From the end of the last task to the end of the step: updates.
    public let optimizer: Double

    public var step: Double { work + oversubscription + imbalance + bubble + transport + optimizer }

    init(
        work: Double, oversubscription: Double, imbalance: Double, bubble: Double, transport: Double, optimizer: Double
    ) {
        self.work = work
        self.oversubscription = oversubscription
        self.imbalance = imbalance
        self.bubble = bubble
        self.transport = transport
        self.optimizer = optimizer
    }

    /// The mean of each term.
    public init(meanOf breakdowns: [Breakdown]) {
        func mean(_ term: (Breakdown) -> Double) -> Double { Statistics(breakdowns.map(term)).mean }
        self.init(
            work: mean(\.work), oversubscription: mean(\.oversubscription), imbalance: mean(\.imbalance),
            bubble: mean(\.bubble), transport: mean(\.transport), optimizer: mean(\.optimizer))
    }
}

extension RunResult {
    /// The breakdown of each measured step that the timeline still has.
    public func breakdowns() -> [Breakdown] {
        let kept = max(plan.configuration.warmupSteps, plan.configuration.steps - timeline.steps)
        return (kept..<plan.configuration.steps).map { breakdown(ofStep: $0) }
    }

    private func breakdown(ofStep step: Int) -> Breakdown {
        let graph = plan.graph
        let times = graph.tasks.enumerated().map { rank, list in
            list.indices.map { timeline.times(ofRank: rank, step: step, task: $0) }
        }
        let released = ranks.map { $0.stepStart[step] }.min()!
        let replay = Replay(graph, durations: times.map { $0.map(\.work) })
        let busy = sums(times, \.work)
        let displaced = sums(times, \.displaced)
        let mean = Statistics(busy).mean
        let most = busy.max()!
        let lost = Statistics(displaced).mean
        let finished = zip(times, graph.tasks).flatMap { times, tasks in
            zip(times, tasks).compactMap { $1 == .update ? nil : $0.end }
        }.max()!
        let makespan = Double(finished - released) / 1e9
        return Breakdown(
            work: mean - lost, oversubscription: lost, imbalance: most - mean, bubble: replay.makespan - most,
            transport: makespan - replay.makespan, optimizer: stepSeconds[step] - makespan)
    }

    /// For each rank, over its tasks but the update.
    private func sums(_ times: [[TaskTimes]], _ seconds: (TaskTimes) -> Double) -> [Double] {
        zip(times, plan.graph.tasks).map { times, tasks in
            zip(times, tasks).reduce(0) { $1.1 == .update ? $0 : $0 + seconds($1.0) }
        }
    }
}
