// SPDX-License-Identifier: Apache-2.0

/// What was predicted of a comparison's candidates beside what was measured: term by term, and whether their ranking came out right.
public struct PredictedComparison: Sendable {
    /// One candidate's.
    public struct Item: Sendable {
        /// The candidate's schedule and transport.
        public let schedule, transport: String
        /// What a simulation says.
        public let predicted: Breakdown
        /// The medians over the trials; they add up to the step.
        public let measured: Breakdown

        /// With these values.
        public init(schedule: String, transport: String, predicted: Breakdown, measured: Breakdown) {
            (self.schedule, self.transport) = (schedule, transport)
            (self.predicted, self.measured) = (predicted, measured)
        }

        /// By how much the predicted step is longer, as a part of the measured one.
        public var error: Double { predicted.step / measured.step - 1 }
        /// By how much a predicted term is larger, as a part of the measured step.
        public func error(_ term: Breakdown.Term) -> Double { (predicted[term] - measured[term]) / measured.step }
    }

    /// In the comparison's order.
    public let items: [Item]

    /// With these.
    public init(_ items: [Item]) { self.items = items }

    /// - Parameters:
    ///   - figures: of measured candidates.
    ///   - costs: for each transport, by its name; candidates on others are left out.
    public init(_ figures: ComparisonFigures, costs: [String: Costs]) {
        items = figures.candidates.compactMap { candidate in
            let plan = candidate.plan
            guard let own = costs[plan.configuration.transport.name] else { return nil }
            return Item(
                schedule: candidate.schedule, transport: candidate.transport.rawValue,
                predicted: plan.simulation(own, in: plan.circumstances).breakdown,
                measured: Breakdown { candidate[$0].value })
        }
    }

    /// Pairs whose measured steps differ by more than 2 %: less is no difference that a ranking is about.
    public static let rankedDifference = 0.02

    /// Pairs that differ by more than that, and how many of them the prediction has the same way round.
    public var ranking: (pairs: Int, right: Int) {
        var (pairs, right) = (0, 0)
        for (index, one) in items.enumerated() {
            for other in items[(index + 1)...] {
                let ratio = one.measured.step / other.measured.step
                if max(ratio, 1 / ratio) <= 1 + Self.rankedDifference { continue }
                pairs += 1
                if (one.predicted.step < other.predicted.step) == (ratio < 1) { right += 1 }
            }
        }
        return (pairs, right)
    }
}

extension RunPlan {
    /// What its ranks share where they are: CPUs, if there are too few. Ranks that the system may put on any CPU are taken to be spread
    /// evenly.
    public var circumstances: Circumstances {
        var circumstances = Circumstances()
        if configuration.threadsPerRank > 1 || !placement.isShared.contains(true) { return circumstances }
        circumstances.cpuOfRank = placement.cpusOfRank.enumerated().map { rank, cpus in
            cpus[0].flatMap { placement.cpus.firstIndex(of: $0) } ?? rank % max(1, placement.cpus.count)
        }
        return circumstances
    }
}
