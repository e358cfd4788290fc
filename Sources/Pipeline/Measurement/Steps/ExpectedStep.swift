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
    /// What the mean measured step would take if its hand-offs between ranks took just as long as the link says: replays of the tasks'
    /// CPU times, and what ranks lost besides (oversubscription), as much as in the step that was measured. Nil without a timeline.
    public func expectedStep(over link: LinkCost) -> Double? {
        guard let timed else { return nil }
        let plan = result.plan
        let costs = Replay.Link(plan.graph, latency: link.latency) { task in
            Double(plan.handoffBytes(of: task)) / link.bytesPerSecond
        }
        return timed.steps.mean { step in
            Replay(plan.graph, durations: step.times.values(\.onCPU), link: costs).step
                + step.breakdown.oversubscription
        }
    }
}

extension RunPlan {
    /// Bytes of what a task hands on to other stages; 0 where that is nothing.
    func handoffBytes(of task: RankTask) -> Int {
        switch task {
        case .action(let action):
            let to = action.stage + (action.kind == .forward ? 1 : -1)
            return bytes(edges) { $0.from == action.stage && $0.to == to }
        case .share(let stage), .sum(let stage): return bytes(edgesBetweenCopies) { $0.from == stage }
        case .pack, .collect, .update: return 0
        }
    }

    private func bytes(_ edges: [Edge], where isWanted: (Edge) -> Bool) -> Int {
        edges.reduce(0) { $0 + (isWanted($1) ? $1.shape.count * 4 : 0) }
    }
}
