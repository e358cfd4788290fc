// SPDX-License-Identifier: Apache-2.0
// An order of your own: two ranks that do two microbatches' forwards before the first backward, whatever comes behind.
// It is a value like those that come with ppthreads, so it is checked, trained and measured as they are.

import Pipeline

/// Each rank's actions. Stage s is on rank s, and at most `ahead` microbatches are in flight on either.
func twoAhead(microbatches: Int, ahead: Int = 2) -> Schedule {
    let actions = (0..<2).map { stage in
        var order = (0..<min(ahead, microbatches)).map { Action(.forward, stage: stage, microbatch: $0) }
        for microbatch in 0..<microbatches {
            order.append(Action(.backward, stage: stage, microbatch: microbatch))
            let next = microbatch + ahead
            if next < microbatches { order.append(Action(.forward, stage: stage, microbatch: next)) }
        }
        return order
    }
    return Schedule(name: "two ahead", microbatches: microbatches, rankOfStage: [0, 1], actions: actions)
}

let schedule = twoAhead(microbatches: 4)
for (rank, actions) in schedule.actions.enumerated() {
    print("rank \(rank): \(actions.map(\.description).joined(separator: " "))")
}

// What is wrong with an order is an error that says so; what this lets through runs.
let facts = try schedule.validated()
print("in flight: \(facts.inFlightOfRank), results as on one stage: \(facts.bits == .asOneStage)")

func train(_ schedule: Schedule) throws -> RunResult {
    var spec = ModelSpec()
    (spec.vocabulary, spec.dim, spec.hidden, spec.layers) = (100, 32, 64, 2)
    var configuration = RunConfiguration(model: spec.model(), schedule: schedule)
    configuration.measuredSteps = 5
    configuration.keepsWeights = true
    return try RunPlan(configuration).run()
}
let (own, alone) = (try train(schedule), try train(.gpipe(ranks: 1, microbatches: 4)))
print("loss \(own.loss); weights that differ from one stage's: \(own.weights!.differences(from: alone.weights!))")
