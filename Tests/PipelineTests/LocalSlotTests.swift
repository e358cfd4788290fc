// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import Pipeline
import Testing
import Threads

/// Edges inside one rank: local slots, whatever the transport.
struct LocalSlotTests {
    /// Two ranks that run stages 0 and 3, and 1 and 2: a V, all forwards before all backwards.
    private var v: Schedule {
        func actions(_ kind: Action.Kind, _ stages: [Int]) -> [Action] {
            stages.flatMap { stage in (0..<3).map { Action(kind, stage: stage, microbatch: $0) } }
        }
        return Schedule(
            name: "V", microbatches: 3, rankOfStage: [0, 1, 1, 0],
            actions: [
                actions(.forward, [0, 3]) + actions(.backward, [3, 0]),
                actions(.forward, [1, 2]) + actions(.backward, [2, 1]),
            ])
    }

    private func train(_ schedule: Schedule, _ transport: any Transport = ThreadTransport()) throws -> RunResult {
        var spec = ModelSpec()
        (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (31, 12, 4, 2)
        (spec.hidden, spec.sequenceLength) = (20, 5)
        var configuration = RunConfiguration(model: spec.model(), schedule: schedule)
        configuration.batchSize = 6
        configuration.transport = transport
        configuration.keepsWeights = true
        configuration.keepsGradients = true
        return try RunPlan(configuration).run()
    }

    @Test("the transport connects the edges between ranks and no others, and nothing is copied inside one")
    func connected() throws {
        for (schedule, pairs) in [(v, [[0, 1], [1, 0], [2, 3], [3, 2]]), (.gpipe(ranks: 1, microbatches: 3), [])] {
            let transport = Recording(inner: ThreadTransport())
            let result = try train(schedule, transport)
            let connected = unsafe transport.edges
            #expect(connected.map { [$0.from, $0.to] } == pairs)
            #expect(result.ranks.allSatisfy { $0.handoffBytesCopied == 0 })
        }
    }

    @Test("an order whose neighbouring stages share a rank trains to one stage's bits, and a step allocates nothing")
    func bits() throws {
        let baseline = try train(.oneFOneB(ranks: 1, microbatches: 3))
        for schedule in [v, .interleaved(ranks: 1, virtualStages: 4, microbatches: 3)] {
            let result = try train(schedule)
            #expect(result.difference(fromOneStage: baseline) == nil)
            #expect(result.ranks.allSatisfy { $0.allocationsInSteps == (ppt_counts_allocations() == 1 ? 0 : nil) })
            #expect(result.ranks.map(\.inFlightPeak) == result.plan.facts.inFlightOfRank)
        }
    }

    @Test("an edge inside a rank is no hand-off: neither in medians nor in a rank's time") func figures() throws {
        let timed = try #require(RunFigures(try train(v)).timed)
        #expect(timed.handoffs.map { [$0.from, $0.to] } == [[0, 1], [1, 0], [2, 3], [3, 2]])
        let alone = try #require(RunFigures(try train(.interleaved(ranks: 1, virtualStages: 4, microbatches: 3))).timed)
        #expect(alone.handoffs.isEmpty && alone.handoffSeconds == nil)
        #expect(alone.ranks[0].receiving == 0)
        for step in timed.steps + alone.steps {
            #expect(abs(step.breakdown.step - step.times.seconds) < 1e-9)
        }
    }
}

/// Remembers which edges it was asked to connect.
private final class Recording: RelinkedTransport {
    let name = "recording"
    let base: ThreadTransport
    nonisolated(unsafe) private(set) var edges: [Edge] = []

    init(inner: ThreadTransport) { base = inner }

    // Sound: a run connects its edges once, before any rank starts.
    func connect(_ edges: [Edge]) throws(LinkError) -> any Links {
        unsafe self.edges = edges
        return try base.connect(edges)
    }
}
