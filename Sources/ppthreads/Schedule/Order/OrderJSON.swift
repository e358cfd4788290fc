// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// An order for programs. Times are in the costs' unit.
struct OrderJSON: Encodable {
    let name: String
    let ranks, stages, microbatches: Int
    /// How many times the chain of stages is there, and how many times the order.
    let copies, replicas: Int
    let rankOfStage: [Int]
    let forward, inputGradient, weightGradient, handOff: Double
    let makespan: Double
    /// What no order of the same actions can beat, and the rank that proves it.
    let bound: Double
    let boundRank: Int
    /// Of ranks x makespan.
    let bubble: Double
    /// For each rank: from 0 to the makespan, and between its first action and its last.
    let idle, idleInside: [Double]
    /// For each rank, (stage, microbatch) pairs.
    let peakInFlight: [Int]
    /// For each stage, the slots of its link to the next stage, and of that to the one before.
    let activationSlots, gradientSlots: [Int]
    /// `as one stage`, or `to rounding`.
    let bits: String
    let notes: [String]

    init(_ order: OrderFacts) {
        let (times, schedule, costs) = (order.times, order.times.schedule, order.costs)
        name = schedule.identifier
        (ranks, stages, microbatches) = (schedule.ranks, schedule.stages, schedule.microbatches)
        (copies, replicas) = (schedule.copies, schedule.replicas)
        rankOfStage = schedule.rankOfStage
        (forward, inputGradient, weightGradient) = (costs.forward, costs.inputGradient, costs.weightGradient)
        handOff = costs.handOff
        makespan = times.makespan
        (bound, boundRank) = (order.boundValue, order.bound.rank)
        bubble = times.bubble
        (idle, idleInside) = (times.idle, times.idleInside)
        peakInFlight = order.facts.inFlightOfRank
        (activationSlots, gradientSlots) = (order.facts.activationSlots, order.facts.gradientSlots)
        bits = order.facts.bits.label
        notes = order.notes
    }
}
