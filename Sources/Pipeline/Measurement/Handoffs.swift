import Threads

/// What hand-offs over one edge took in the measured steps.
public struct Handoffs: Sendable {
    /// Stages: `to` is one more for activations, one less for gradients.
    public let from: Int
    public let to: Int
    /// Of one item.
    public let bytes: Int
    /// From the moment that an item was handed on, or that its receiver turned to it, whichever was later, to the moment
    /// that the receiver had it. So a receiver that is late for other reasons does not count.
    public let seconds: Statistics
    /// How many items were there when the receiver looked, came while it was spinning, and found it asleep.
    public let ready: Int
    public let spun: Int
    public let parked: Int
}

extension RunResult {
    /// One for each edge, in the order of the stages; none without a timeline.
    public func handoffs() -> [Handoffs] {
        let steps = timedSteps.map { times(ofStep: $0) }
        return steps.isEmpty ? [] : plan.edges.compactMap { handoffs($0, steps) }
    }

    private func handoffs(_ edge: Edge, _ steps: [StepTimes]) -> Handoffs? {
        let graph = plan.graph
        let places = graph.order.filter { place in
            guard let sender = graph.senders[place.rank][place.task] else { return false }
            return graph.tasks[place.rank][place.task].stage == edge.to
                && graph.tasks[sender.rank][sender.task].stage == edge.from
        }
        if places.isEmpty { return nil }
        let seconds = steps.flatMap { step in places.compactMap { step.handoffSeconds($0) } }
        let waits = steps.flatMap { step in places.map { step.tasks[$0.rank][$0.task].inputWait } }
        func count(_ waited: Waited) -> Int { waits.count { $0 == waited } }
        return Handoffs(
            from: edge.from, to: edge.to, bytes: edge.shape.count * 4, seconds: Statistics(seconds),
            ready: count(.ready), spun: count(.spun), parked: count(.parked))
    }
}
