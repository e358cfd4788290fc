// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

@Suite("waits for the rank that has the most work") struct WaitCausesTests {
    @Test("of each rank's waits, so much as it has less to do, the latest first") func parts() {
        let causes = WaitCauses(work: [10, 25, 18], waits: [[5, 4, 8], [3, 1], [2, 6, 0]])
        #expect(causes.busiest == 1 && causes.lacking == [15, 0, 7])
        #expect(causes.parts == [[3, 4, 8], [0, 0], [1, 6, 0]])
        #expect(causes.imbalance == 22.0 / 3)
        // Where waits are shorter than that, a rank idles for the rest outside of them.
        #expect(WaitCauses(work: [1, 9], waits: [[2, 3], [4]]).parts == [[2, 3], [0]])
        // Of ranks with as much work, all waits are the order's.
        #expect(WaitCauses(work: [4, 4], waits: [[7], [1]]).parts == [[0], [0]])
    }

    @Test("over a step's ranks they are its imbalance", arguments: [2, 3]) func step(ranks: Int) throws {
        let result = try train(.decoder, .gpipe(ranks: ranks, microbatches: 4)) { $0.measuredSteps = 5 }
        let timed = try #require(RunFigures(result).timed)
        #expect(timed.steps.count == 5)
        for step in timed.steps {
            let causes = step.times.waitCauses
            #expect(abs(causes.imbalance - step.breakdown.imbalance) < 1e-12)
            // A wait for input and one for room for each task.
            #expect(causes.parts.map(\.count) == step.times.tasks.map { 2 * $0.count })
        }
    }
}
