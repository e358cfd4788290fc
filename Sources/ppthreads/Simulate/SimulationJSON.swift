// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// A simulated run for programs: the keys of a row of `compare --json`, as plain numbers, and what is known of an order beside them. Times
/// are in seconds but for `handoff_us`, memory in bytes.
struct SimulationJSON: Encodable {
    let schedule: String
    let transport: String?
    let stages: Int
    let virtualStages: Int
    let microbatches: Int
    let replicas: Int
    /// Not there without a model.
    let tokensPerS: Double?
    let stepS: Double
    /// The terms, under their names.
    let terms: [(key: String, seconds: Double)]
    /// Of the same work on one rank, over P times the step.
    let efficiency: Double?
    /// The longest that an item takes where nothing else is under way, in microseconds.
    let handoffUs: Double
    let makespanS: Double
    let boundS: Double
    /// By how much more than the bound the makespan is, as a part of it.
    let gap: Double
    let boundRank: Int
    let idleS, idleInsideS, workS: [Double]
    let peakInFlight: [Int]
    let peakActivationBytes, weightBytes, memoryBytes: [Int]?
    let costs: String
    let notes: [String]

    init(_ run: SimulatedRun, efficiency: Double?, origin: String, notes: [String]) {
        let schedule = run.schedule
        self.schedule = schedule.identifier
        transport = run.plan?.configuration.transport.name
        (stages, virtualStages) = (schedule.ranks, schedule.virtualStages)
        (microbatches, replicas) = (schedule.microbatches, schedule.replicas)
        let terms = run.breakdown
        tokensPerS = run.tokensOfStep.map { Double($0) / terms.step }
        stepS = terms.step
        self.terms = Breakdown.Term.allCases.map { ("\($0.rawValue)_s", terms[$0]) }
        self.efficiency = efficiency
        handoffUs = (run.costs.handoffSecondsMost ?? 0) * 1e6
        (makespanS, boundS, gap, boundRank) = (run.makespan, run.bound.value, run.gap, run.bound.rank)
        (idleS, idleInsideS, workS) = (run.idleOfRank, run.idleInsideOfRank, run.workOfRank)
        peakInFlight = run.facts.inFlightOfRank
        peakActivationBytes = run.plan?.activationBytesPeakOfRank
        weightBytes = run.plan?.weightBytesOfRank
        memoryBytes = run.memoryBytesOfRank
        costs = origin
        self.notes = notes
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: TextKey.self)
        func put(_ key: String, _ value: (some Encodable)?) throws {
            if let value { try container.encode(value, forKey: TextKey(stringValue: key)) }
        }
        try put("schedule", schedule)
        try put("transport", transport)
        try put("stages", stages)
        try put("virtual_stages", virtualStages)
        try put("microbatches", microbatches)
        try put("replicas", replicas)
        try put("tokens_per_s", tokensPerS)
        try put("step_s", stepS)
        for (key, seconds) in terms { try put(key, seconds) }
        try put("efficiency", efficiency)
        try put("handoff_us", handoffUs)
        try put("makespan_s", makespanS)
        try put("bound_s", boundS)
        try put("gap", gap)
        try put("bound_rank", boundRank)
        try put("idle_s", idleS)
        try put("idle_inside_s", idleInsideS)
        try put("rank_work_s", workS)
        try put("peak_in_flight", peakInFlight)
        try put("peak_activation_bytes", peakActivationBytes)
        try put("weight_bytes", weightBytes)
        try put("memory_bytes", memoryBytes)
        try put("costs", costs)
        try put("notes", notes)
    }
}
