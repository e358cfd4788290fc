// SPDX-License-Identifier: Apache-2.0

/// Where a step's time went. All terms are in seconds and add up to the step.
///
/// Replays of the schedule and the measured step tell them apart, each with more of what was measured than the one before: CPU
/// times, then all that was lost to others; and, where gradients are summed over copies, CPU times without that first, and at
/// last the hand-offs of that too.
public struct Breakdown: Equatable, Sendable {
    /// What each means: `Term.meaning`.
    public let work, imbalance, bubble, oversubscription, transport, reduction, optimizer: Double

    /// A term by its name, in seconds.
    public subscript(term: Term) -> Double {
        switch term {
        case .work: work
        case .imbalance: imbalance
        case .bubble: bubble
        case .oversubscription: oversubscription
        case .transport: transport
        case .reduction: reduction
        case .optimizer: optimizer
        }
    }

    /// The step: the sum of all terms, in seconds.
    public var step: Double { work + imbalance + bubble + oversubscription + transport + reduction + optimizer }

    /// A term's part of the step, from 0 to 1.
    public func share(_ term: Term) -> Double { self[term] / step }

    /// Of terms that are known, in seconds, asked for in their order.
    init<Failure: Error>(_ value: (Term) throws(Failure) -> Double) throws(Failure) {
        work = try value(.work)
        imbalance = try value(.imbalance)
        bubble = try value(.bubble)
        oversubscription = try value(.oversubscription)
        transport = try value(.transport)
        reduction = try value(.reduction)
        optimizer = try value(.optimizer)
    }

    /// Of one step, from its measured times.
    public init(_ times: StepTimes) {
        let needed = times.needed
        let mean = Statistics(needed).mean
        let most = needed.max()!
        let ideal = Replay(times.graph, durations: times.values(\.onCPU))
        let shared = Replay(times.graph, durations: times.values(\.work), losses: times.losses)
        let (pipeline, exchanged) = Self.around(ideal, shared, times)
        self.init { term in
            switch term {
            case .work: mean
            case .imbalance: most - mean
            case .bubble: pipeline - most
            case .oversubscription: shared.step - ideal.step
            case .transport: times.seconds - exchanged
            case .reduction: ideal.reduced - pipeline + (exchanged - shared.step)
            case .optimizer: ideal.step - ideal.reduced
            }
        }
    }

    /// The length of the replay of the CPU times as if copies summed nothing, and of that with all lost time and the hand-offs
    /// between copies. Where there are none, these are the two replays' own.
    private static func around(
        _ ideal: Replay, _ shared: Replay, _ times: StepTimes
    ) -> (pipeline: Double, exchanged: Double) {
        let graph = times.graph
        if !graph.hasReductions { return (ideal.makespan, shared.step) }
        let durations = zip(graph.tasks, times.tasks).map { tasks, times in
            zip(tasks, times).map { $0.isOfPipeline ? $1.onCPU : 0 }
        }
        let exchanged = Replay(graph, durations: times.values(\.work), losses: times.lossesWithReductions)
        return (Replay(graph, durations: durations).makespan, exchanged.step)
    }

    /// The mean of each term.
    public init(meanOf breakdowns: [Breakdown]) {
        // Written out: to ask each of a million for a term by its name takes a hundredth longer.
        self.init { term in
            switch term {
            case .work: breakdowns.mean(\.work)
            case .imbalance: breakdowns.mean(\.imbalance)
            case .bubble: breakdowns.mean(\.bubble)
            case .oversubscription: breakdowns.mean(\.oversubscription)
            case .transport: breakdowns.mean(\.transport)
            case .reduction: breakdowns.mean(\.reduction)
            case .optimizer: breakdowns.mean(\.optimizer)
            }
        }
    }
}
