// SPDX-License-Identifier: Apache-2.0

import Threads

/// What hand-offs over one edge took in the measured steps.
public struct Handoffs: Sendable {
    /// The stage that sends.
    public let from: Int
    /// The stage that receives: one more than `from` for activations, one less for gradients.
    public let to: Int
    /// Of one item.
    public let bytes: Int
    /// From the moment that an item was handed on, or that its receiver turned to it, whichever was later, to the moment
    /// that the receiver had it. So a receiver that is late for other reasons does not count.
    public let seconds: Statistics
    /// How many items were there when the receiver looked.
    public let ready: Int
    /// How many came while the receiver was spinning.
    public let spun: Int
    /// How many found the receiver asleep.
    public let parked: Int
}

extension Handoffs {
    /// - Parameter steps: at least one.
    /// - Returns: nil where nothing goes over the edge.
    init?(_ edge: Edge, _ steps: [StepTimes]) {
        let graph = steps[0].graph
        let receivers = graph.order.filter { node in
            guard let sender = graph.senders(of: node).first else { return false }
            return graph.tasks[node.rank][node.task].stage == edge.to
                && graph.tasks[sender.rank][sender.task].stage == edge.from
        }
        if receivers.isEmpty { return nil }
        let waits = steps.flatMap { step in receivers.map { step.tasks[$0.rank][$0.task].inputWait } }
        (from, to, bytes) = (edge.from, edge.to, edge.shape.count * 4)
        seconds = Statistics(steps.flatMap { step in receivers.compactMap { step.handoffSeconds($0) } })
        ready = waits.count { $0 == .ready }
        spun = waits.count { $0 == .spun }
        parked = waits.count { $0 == .parked }
    }
}
