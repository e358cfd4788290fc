// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

struct ReplayTests {
    /// Forwards of 1 s, backwards of 2 s, packing and updates of none.
    private func durations(_ graph: TaskGraph) -> [[Double]] {
        graph.tasks.map { list in
            list.map { task in
                guard case .action(let action) = task else { return 0 }
                return action.kind == .forward ? 1 : 2
            }
        }
    }

    @Test("equal stages take (M + P - 1)(F + B), as the papers say", arguments: [1, 2, 4], [1, 4, 8])
    func textbook(ranks: Int, microbatches: Int) throws {
        for schedule in [
            Schedule.gpipe(ranks: ranks, microbatches: microbatches),
            Schedule.oneFOneB(ranks: ranks, microbatches: microbatches),
        ] {
            let graph = try TaskGraph(schedule)
            let replay = Replay(graph, durations: durations(graph))
            #expect(replay.makespan == Double((microbatches + ranks - 1) * 3), "\(schedule.name)")
        }
    }

    @Test("interleaving v stages a rank divides the bubble by v") func interleaved() throws {
        let schedule = Schedule.interleaved(ranks: 4, virtualStages: 2, microbatches: 8)
        let graph = try TaskGraph(schedule)
        #expect(Replay(graph, durations: durations(graph)).makespan == Double((2 * 8 + 3) * 3))
    }

    @Test("ZB-H1's bubble is (P - 1)(F + I - W)", arguments: [1, 2, 4], [4, 8, 9])
    func zeroBubble(ranks: Int, microbatches: Int) throws {
        for (input, weights) in [(2.0, 2.0), (2.0, 1.0)] {
            let graph = try TaskGraph(.zeroBubble(ranks: ranks, microbatches: microbatches))
            let durations = graph.tasks.map { list in
                list.map { task -> Double in
                    guard case .action(let action) = task else { return 0 }
                    return action.kind == .forward ? 2 : action.kind == .backwardInput ? input : weights
                }
            }
            let work = Double(microbatches) * (2 + input + weights)
            #expect(Replay(graph, durations: durations).makespan == work + Double(ranks - 1) * (2 + input - weights))
        }
    }

    @Test("a task starts after its rank's earlier ones and after its inputs, and never waits for anything else")
    func earliest() throws {
        let graph = try TaskGraph(.oneFOneB(ranks: 3, microbatches: 5))
        let given = graph.tasks.enumerated().map { rank, list in
            list.indices.map { Double((7 * rank + 3 * $0) % 5) + 0.5 }
        }
        let replay = Replay(graph, durations: given)
        for place in graph.order {
            let before = place.task > 0 ? replay.end[place.rank][place.task - 1] : 0
            let inputs = graph.senders(of: place).map { replay.end[$0.rank][$0.task] }
            #expect(replay.start[place.rank][place.task] == max(before, inputs.max() ?? 0))
        }
        #expect(graph.order.count == graph.tasks.reduce(0) { $0 + $1.count })
    }

    @Test("a rank packs each stage once, where it waits first; the update is at the end")
    func tasks() {
        let tasks = Schedule.oneFOneB(ranks: 2, microbatches: 2).tasks.map { $0.map(\.description) }
        #expect(
            tasks[0] == ["action 0F0", "action 0F1", "packing", "action 0B0", "action 0B1", "the update"]
                && tasks[1] == ["packing", "action 1F0", "action 1B0", "action 1F1", "action 1B1", "the update"])
        for list in Schedule.interleaved(ranks: 2, virtualStages: 2, microbatches: 4).tasks {
            let packings = list.indices.filter { list[$0].kind == .packing }
            let stages = packings.map { list[$0].stage! }
            let firstBackward = list.firstIndex { $0.kind == .backward }!
            // Adjacent, the stage of the later chunk first, as backwards take them.
            #expect(packings.count == 2 && packings[1] == packings[0] + 1 && stages[0] == stages[1] + 2)
            #expect(stages[1] == 0 ? packings[1] + 1 == firstBackward : packings[0] == 0)
        }
        #expect(Schedule.gpipe(ranks: 2, microbatches: 3).forwardOnly().tasks[0].count == 3)
    }

    @Test("a rank that is alone packs within each stage's first forward, whichever microbatch that is of")
    func packingAlone() {
        let forwards = [(0, 1), (1, 1), (0, 0), (1, 0)].map { Action(.forward, stage: $0.0, microbatch: $0.1) }
        let backwards = forwards.reversed().map { Action(.backward, stage: $0.stage, microbatch: $0.microbatch) }
        let schedule = Schedule(
            name: "alone", microbatches: 2, rankOfStage: [0, 0], actions: [forwards + backwards])
        #expect(schedule.microbatchThatPacks(0) == 1 && schedule.microbatchThatPacks(1) == 1)
        #expect(!Schedule.gpipe(ranks: 1, microbatches: 3).tasks[0].contains { $0.kind == .packing })
        #expect(Schedule.gpipe(ranks: 1, microbatches: 3).forwardOnly().microbatchThatPacks(0) == nil)
        #expect(Schedule.gpipe(ranks: 2, microbatches: 3).microbatchThatPacks(0) == nil)
    }

    @Test(
        "a run's breakdown adds up to its steps, and no replay is longer than what was measured",
        arguments: ScheduleKind.allCases)
    func breakdown(kind: ScheduleKind) throws {
        let schedule = kind.make(ranks: 2, microbatches: 4)
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (50, 24, 4, 3)
        (spec.hidden, spec.sequenceLength) = (48, 8)
        var configuration = RunConfiguration(model: spec.model(), schedule: schedule)
        configuration.warmupSteps = 1
        configuration.measuredSteps = 5
        let result = try RunPlan(configuration).run()
        let breakdowns = try #require(RunFigures(result).timed).steps.map(\.breakdown)
        #expect(breakdowns.count == 5)
        for (breakdown, step) in zip(breakdowns, result.measuredStepSeconds) {
            #expect(abs(breakdown.step - step) <= 1e-9)
            #expect(breakdown.transport >= 0 && breakdown.bubble >= 0 && breakdown.imbalance >= 0)
            #expect(breakdown.work > 0 && breakdown.oversubscription >= 0 && breakdown.optimizer > 0)
        }
    }

    @Test("what receives from several begins when the last of them has handed on") func several() throws {
        // Three replicas of one rank, whose forwards take 1, 2 and 3 s and nothing else anything: sums are of all three.
        let graph = try TaskGraph(.gpipe(ranks: 1, microbatches: 1).replicated(3))
        let durations = graph.tasks.enumerated().map { rank, list in
            list.map { $0 == .action(Action(.forward, stage: rank, microbatch: rank)) ? Double(rank + 1) : 0 }
        }
        #expect(durations.map { $0.reduce(0, +) } == [1, 2, 3])
        let replay = Replay(graph, durations: durations)
        for (rank, list) in graph.tasks.enumerated() {
            let sum = try #require(list.firstIndex(of: .sum(stage: rank)))
            #expect(replay.start[rank][sum] == 3)
        }
    }
}
