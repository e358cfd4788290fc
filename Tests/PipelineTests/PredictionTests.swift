// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// What runs are predicted to take, worked out by hand.
struct PredictionTests {
    @Test("the parts of a stage follow each other on its rank, backwards from the last to the first") func refined()
        throws
    {
        let schedule = Schedule.oneFOneB(ranks: 2, microbatches: 2).refined([2, 1])
        #expect(schedule.rankOfStage == [0, 0, 1])
        #expect(
            schedule.actions.map { $0.map(\.description).joined(separator: " ") } == [
                "0F0 1F0 0F1 1F1 1B0 0B0 1B1 0B1", "2F0 2B0 2F1 2B1",
            ])
        _ = try schedule.validated()
        // The second copy's stages come after all of the first one's.
        let copies = Schedule.zeroBubble(ranks: 1, microbatches: 1).replicated(2).refined([3])
        #expect(copies.rankOfStage == [0, 0, 0, 1, 1, 1] && copies.copies == 2)
        #expect(
            copies.actions[1].map(\.description) == ["3F1", "4F1", "5F1", "5I1", "4I1", "3I1", "5W1", "4W1", "3W1"])
        _ = try copies.validated()
    }

    @Test("the terms of a step that is predicted") func terms() throws {
        // rank 0: F 1, packing 0.5, B 5, update 2; rank 1: packing 0.25, F 4, B 4, update 1; a hand-off 0.5.
        let schedule = Schedule.gpipe(ranks: 2, microbatches: 2)
        let graph = try TaskGraph(schedule)
        let lengths: [[RankTask.Kind: Double]] = [
            [.forward: 1, .packing: 0.5, .backward: 5, .update: 2],
            [.forward: 4, .packing: 0.25, .backward: 4, .update: 1],
        ]
        let durations = zip(graph.tasks, lengths).map { tasks, lengths in tasks.map { lengths[$0.kind]! } }
        let link = Replay.Link(graph, latency: 0.25) { _ in 0.25 }
        let terms = Simulation(schedule, graph, durations: durations, link: link).breakdown
        // Work 12.5 and 16.25. Without hand-offs rank 1's F are 1-9, its B 9-17; rank 0's B 13-18-23, its update ends at 25. With
        // them: F 1.5-9.5, B 9.5-17.5; rank 0's B 14-19-24.
        #expect(
            Breakdown.Term.allCases.map { terms[$0] } == [14.375, 1.875, 6.75, 0, 1, 0, 2])
        #expect(terms.step == 26)
    }

    private func costs(units: Int) -> Costs {
        Costs(
            units: (1...units).map { index in
                let unit = Double(index)
                return UnitCosts(
                    forward: unit, backward: 100 * unit, inputGradient: 1e4 * unit, weightGradient: 1e6 * unit,
                    packing: 1e8 * unit)
            }, updateOfParameter: 1e-6, link: LinkCost(latency: 0))
    }

    /// Rank 0 has units 1 to 4, which sum to 10, rank 1 units 5 to 10, which sum to 45.
    private func durations(_ schedule: Schedule, recomputes: Bool = false) throws -> [[RankTask: Double]] {
        var configuration = smallConfiguration(.decoder, schedule)
        configuration.recomputes = recomputes
        configuration.partition = .given(
            Partition(startingAt: schedule.stagesOfCopy == 1 ? [] : [4], of: configuration.model.units.count))
        let plan = try RunPlan(configuration)
        return zip(plan.graph.tasks, plan.durations(costs(units: configuration.model.units.count))).map {
            Dictionary(uniqueKeysWithValues: zip($0, $1))
        }
    }

    private func action(_ kind: Action.Kind, _ stage: Int) -> RankTask {
        .action(Action(kind, stage: stage, microbatch: 0))
    }

    @Test("a task takes what its stage's units do") func tasks() throws {
        let whole = try durations(.oneFOneB(ranks: 2, microbatches: 2))
        #expect(whole[0][action(.forward, 0)] == 10 && whole[1][action(.forward, 1)] == 45)
        #expect(whole[0][action(.backward, 0)] == 1000 && whole[1][action(.backward, 1)] == 4500)
        #expect(whole[0][.pack(stage: 0)] == 10e8 && whole[1][.pack(stage: 1)] == 45e8)
        let split = try durations(.zeroBubble(ranks: 2, microbatches: 2), recomputes: true)
        // The forward again, before the input's gradient.
        #expect(split[1][action(.backwardInput, 1)] == 45e4 + 45 && split[1][action(.backwardWeights, 1)] == 45e6)
        // One rank alone packs in a forward.
        let one = try durations(.gpipe(ranks: 1, microbatches: 2))
        #expect(one[0][action(.forward, 0)] == 55 + 55e8 && one[0][.pack(stage: 0)] == nil)
        #expect(one[0][.action(Action(.forward, stage: 0, microbatch: 1))] == 55)
    }

    @Test("an update takes its time for each of the rank's parameters") func update() throws {
        let plan = try RunPlan(smallConfiguration(.decoder, .oneFOneB(ranks: 2, microbatches: 2)))
        let parameters = plan.parameters.reduce(0) { $0 + $1.shape.count }
        let updates = zip(plan.graph.tasks, plan.durations(costs(units: 10))).map { tasks, durations in
            durations[tasks.firstIndex(of: .update)!]
        }
        #expect(abs(updates.reduce(0, +) - Double(parameters) * 1e-6) < 1e-12 && updates[0] != updates[1])
    }

    @Test("a profile knows what each unit takes, in both ways of going backwards") func profile() throws {
        var configuration = smallConfiguration(.gpt, .interleaved(ranks: 2, virtualStages: 2, microbatches: 4))
        configuration.pin = .none
        let costs = try Profile(configuration).costs
        #expect(costs.units.count == 10)
        for unit in costs.units {
            // The embedding has no input to give a gradient of, but a task all the same.
            let times = [unit.forward, unit.backward, unit.inputGradient, unit.weightGradient]
            #expect(times.allSatisfy { $0 > 0 && $0 < 1 }, "\(unit)")
        }
        #expect(costs.updateOfParameter > 0 && costs.link.latency >= 0)
    }
}
