// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Runs that one process of a job does for all.
struct FirstRunTests {
    private func plan() throws -> RunPlan {
        var configuration = smallConfiguration(.decoder, .oneFOneB(ranks: 2, microbatches: 4))
        configuration.keepsTimeline = true
        return try RunPlan(configuration)
    }

    @Test("the first process runs, and all have its figures, times, weights and gradients") func results() throws {
        let jobs = FakeJobs(size: 3)
        let outcomes = inEach(3) { rank -> (ran: Int, result: RunResult) in
            var ran = 0
            let plan = try plan()
            let result = try FirstRun(plan, FakeJob(jobs, rank: rank)).result { () throws(RunError) in
                ran += 1
                return try plan.run()
            }
            return (ran, result)
        }
        let all = try outcomes.map { try $0.get() }
        #expect(all.map(\.ran) == [1, 0, 0])
        let first = all[0].result
        let expected = try train(.decoder, .gpipe(ranks: 1, microbatches: 4))
        for (_, result) in all {
            expectSameBits(result, expected)
            #expect(
                result.stepSeconds == first.stepSeconds)
            #expect(result.timedSteps == 0..<2)
            #expect(result.times(ofStep: 1).tasks == first.times(ofStep: 1).tasks)
        }
        // A timeline that nobody has filled is equal everywhere too.
        #expect(first.times(ofStep: 1).tasks.joined().allSatisfy { $0.end > $0.begin && $0.begin > 0 })
    }

    @Test("where it fails, all fail, and those that look on say who did") func failure() throws {
        let jobs = FakeJobs(size: 2)
        let outcomes = inEach(2) { rank -> RunResult in
            try FirstRun(try plan(), FakeJob(jobs, rank: rank)).result { () throws(RunError) in
                throw .failed("the disk is on fire")
            }
        }
        let texts = outcomes.map { outcome in
            if case .failure(let error) = outcome { "\(error)" } else { "" }
        }
        #expect(texts == ["the disk is on fire", "rank 0, on even: the disk is on fire"])
    }
}
