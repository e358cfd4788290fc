/// Where a step's time went. All terms are in seconds and add up to the step.
///
/// Two replays of the schedule and the measured makespan tell them apart, each with more of what was measured than the one
/// before: CPU times, then durations with what was lost to others on the same CPU.
public struct Breakdown: Equatable, Sendable {
    /// Mean over ranks of the CPU time inside tasks, the update aside.
    public let work: Double
    /// The most CPU time that a rank needed, less the mean.
    public let imbalance: Double
    /// What the schedule's order adds with hand-offs that cost nothing and a CPU for each rank: the makespan of a replay of
    /// the CPU times, less the most that a rank needed.
    public let bubble: Double
    /// What it adds that ranks were without their CPU while they worked or could have: the makespan of a replay with that
    /// time, less that of the one without. Zero when each rank has a CPU of its own.
    public let oversubscription: Double
    /// What hand-offs add: the measured makespan, less the replay's.
    public let transport: Double
    /// From the end of the last other task to the end of the step: updates.
    public let optimizer: Double

    /// A term by its name, in seconds.
    public subscript(term: Term) -> Double {
        switch term {
        case .work: work
        case .imbalance: imbalance
        case .bubble: bubble
        case .oversubscription: oversubscription
        case .transport: transport
        case .optimizer: optimizer
        }
    }

    /// The step: the sum of all terms, in seconds.
    public var step: Double { work + imbalance + bubble + oversubscription + transport + optimizer }

    init(
        work: Double, imbalance: Double, bubble: Double, oversubscription: Double, transport: Double, optimizer: Double
    ) {
        self.work = work
        self.imbalance = imbalance
        self.bubble = bubble
        self.oversubscription = oversubscription
        self.transport = transport
        self.optimizer = optimizer
    }

    /// Of one step, from its measured times.
    public init(_ times: StepTimes) {
        let needed = times.worked.map { $0.reduce(0) { $0 + $1.onCPU } }
        let mean = Statistics(needed).mean
        let most = needed.max()!
        let ideal = Replay(times.graph, durations: times.values(\.onCPU)).makespan
        let shared = Replay(times.graph, durations: times.values(\.work), delays: times.delays).makespan
        self.init(
            work: mean, imbalance: most - mean, bubble: ideal - most, oversubscription: shared - ideal,
            transport: times.makespan - shared, optimizer: times.seconds - times.makespan)
    }

    /// The mean of each term.
    public init(meanOf breakdowns: [Breakdown]) {
        self.init(
            work: breakdowns.mean(\.work), imbalance: breakdowns.mean(\.imbalance), bubble: breakdowns.mean(\.bubble),
            oversubscription: breakdowns.mean(\.oversubscription), transport: breakdowns.mean(\.transport),
            optimizer: breakdowns.mean(\.optimizer))
    }
}
