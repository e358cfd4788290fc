// SPDX-License-Identifier: Apache-2.0

/// Where a step's time went. All terms are in seconds and add up to the step.
///
/// Two replays of the schedule and the measured step tell them apart, each with more of what was measured than the one before:
/// CPU times, then all that was lost to others.
public struct Breakdown: Equatable, Sendable {
    /// What each means: `Term.meaning`.
    public let work, imbalance, bubble, oversubscription, transport, optimizer: Double

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

    /// A term's part of the step, from 0 to 1.
    public func share(_ term: Term) -> Double { self[term] / step }

    /// Of terms that are known, in seconds, asked for in their order.
    init<Failure: Error>(_ value: (Term) throws(Failure) -> Double) throws(Failure) {
        work = try value(.work)
        imbalance = try value(.imbalance)
        bubble = try value(.bubble)
        oversubscription = try value(.oversubscription)
        transport = try value(.transport)
        optimizer = try value(.optimizer)
    }

    /// Of one step, from its measured times.
    public init(_ times: StepTimes) {
        let needed = times.needed
        let mean = Statistics(needed).mean
        let most = needed.max()!
        let ideal = Replay(times.graph, durations: times.values(\.onCPU))
        let shared = Replay(times.graph, durations: times.values(\.work), losses: times.losses)
        self.init { term in
            switch term {
            case .work: mean
            case .imbalance: most - mean
            case .bubble: ideal.makespan - most
            case .oversubscription: shared.step - ideal.step
            case .transport: times.seconds - shared.step
            case .optimizer: ideal.step - ideal.makespan
            }
        }
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
            case .optimizer: breakdowns.mean(\.optimizer)
            }
        }
    }
}
