// SPDX-License-Identifier: Apache-2.0

/// A network, as far as hand-offs are concerned.
public struct LinkCost: Equatable, Sendable {
    /// From the moment that an item has left its rank to the moment that it can be received, in seconds.
    public let latency: Double
    /// Of what leaves a rank, one item after the other; infinite where that takes no time.
    public let bytesPerSecond: Double

    /// With these values: a latency that is not negative, and a positive rate.
    public init(latency: Double, bytesPerSecond: Double = .infinity) {
        (self.latency, self.bytesPerSecond) = (latency, bytesPerSecond)
    }
}

extension RunFigures {
    /// What the mean measured step would take if its hand-offs between ranks took just as long as the link says: replays of what was
    /// measured of tasks and of time that ranks were without their CPUs. Nil without a timeline.
    public func expectedStep(over link: LinkCost) -> Double? {
        guard let timed else { return nil }
        let plan = result.plan
        let costs = Replay.Link(plan.graph, latency: link.latency) { task in
            Double(plan.handoffBytes(of: task)) / link.bytesPerSecond
        }
        return timed.steps.map(\.times).mean { times in
            Replay(plan.graph, durations: times.values(\.work), losses: times.losses, link: costs).step
        }
    }
}

extension RunPlan {
    /// Bytes of what a task hands on to another stage, or to all copies of its own; 0 where that is nothing.
    func handoffBytes(of task: RankTask) -> Int {
        switch task {
        case .action(let action):
            let to = action.stage + (action.kind == .forward ? 1 : -1)
            return edges.first { $0.from == action.stage && $0.to == to }.map { $0.shape.count * 4 } ?? 0
        case .share(let stage), .sum(let stage):
            return edgesBetweenCopies.filter { $0.from == stage }.reduce(0) { $0 + $1.shape.count * 4 }
        case .pack, .collect, .update: return 0
        }
    }
}
