// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing
import Threads

/// Runs whose ranks know of each other what they exchange.
struct JobTests {
    private typealias Outcome = Result<RunResult, any Error>

    /// Runs the same in each process of a job; what each comes to.
    private func outcomes(
        _ jobs: FakeJobs, ranks: Int = 2,
        _ change: @escaping @Sendable (Int, inout RunConfiguration, inout FakeTransport) -> Void = { _, _, _ in }
    ) -> [Outcome] {
        inEach(jobs.size) { rank in
            var configuration = smallConfiguration(.decoder, .oneFOneB(ranks: ranks, microbatches: 4))
            configuration.keepsTimeline = true
            configuration.pin = .none
            var transport = FakeTransport(jobs: jobs, own: FakeJob(jobs, rank: rank))
            change(rank, &configuration, &transport)
            configuration.transport = transport
            return try RunPlan(configuration).run()
        }
    }

    private func texts(_ outcomes: [Outcome]) -> [String] {
        outcomes.map { outcome in
            if case .failure(let error) = outcome { "\(error)" } else { "" }
        }
    }

    @Test("all processes have all bits at the end, those that look on too", arguments: [2, 3]) func bits(size: Int)
        throws
    {
        let expected = try train(.decoder, .gpipe(ranks: 1, microbatches: 4))
        for outcome in outcomes(FakeJobs(size: size)) {
            let result = try outcome.get()
            expectSameBits(result, expected)
            #expect(result.ranks.map(\.rank) == [0, 1])
            #expect(result.timeline != nil && result.clocks.count == 2)
        }
    }

    @Test("moments of another clock are turned into those of the first one's, in every process")
    func clocks() throws {
        // A thousand seconds and a bit ahead, of which nothing is true: so its moments come out as much too early.
        let ahead: Int64 = 1_000_000_123_456
        let results = try outcomes(FakeJobs(size: 2, ahead: [0, ahead])).map { try $0.get() }
        for result in results {
            #expect(result.clocks.map(\.ahead) == [0, ahead] && result.clocks.map(\.error) == [0, 100])
            for step in 0..<result.steps {
                let apart = Int64(result.ranks[0].stepStart[step]) - Int64(bitPattern: result.ranks[1].stepStart[step])
                // Both were released into the step at one moment, give or take the sleeps of the test's meeting.
                #expect(abs(apart - ahead) < 2_000_000_000)
            }
        }
        #expect(results[0].ranks.map(\.stepEnd) == results[1].ranks.map(\.stepEnd))
    }

    @Test("what one process lacks, all are told, with its rank and host; it tells its own reason") func refused() {
        let texts = texts(
            outcomes(FakeJobs(size: 3), ranks: 2) { rank, _, transport in transport.lacksMemory = rank == 1 })
        #expect(texts[0].contains("rank 1, on odd: ") && texts[0].contains("of memory could not be mapped"), "\(texts)")
        #expect(texts[2] == texts[0])
        #expect(texts[1].contains("of memory could not be mapped") && !texts[1].contains("on odd"), "\(texts)")
    }

    @Test("too few processes are told of by all, with how many there are") func tooFew() {
        let texts = texts(outcomes(FakeJobs(size: 2), ranks: 3))
        #expect(texts.allSatisfy { $0.contains("3 ranks take as many processes, and there are 2") }, "\(texts)")
    }

    @Test("a process that is gone in the middle of a run is named by the others once their deadline has passed")
    func gone() {
        let jobs = FakeJobs(size: 2)
        let texts = texts(
            outcomes(jobs) { rank, configuration, transport in
                configuration.timeoutSeconds = 0.5
                transport.dies = rank == 1
            })
        let line =
            "rank 1 hangs or is slower than --timeout allows, or its process, on odd, is gone: it does not answer"
        #expect(texts[0].contains(line) && texts[0].contains("rank 0 waited 0.5"), "\(texts)")
        #expect(jobs.gaveUp.contains(0))
    }

    @Test("a process that does not answer before the run is named") func silent() {
        let jobs = FakeJobs(size: 3)
        jobs.end(2)
        let plans = inEach(2) { rank in
            var configuration = smallConfiguration(.decoder, .oneFOneB(ranks: 3, microbatches: 4))
            configuration.transport = FakeTransport(jobs: jobs, own: FakeJob(jobs, rank: rank))
            return try RunPlan(configuration)
        }
        for plan in plans {
            guard case .failure(let error) = plan else {
                Issue.record("a plan with two of three processes")
                continue
            }
            #expect("\(error)".contains("rank 2 did not answer"), "\(error)")
        }
    }

    @Test("a process that is gone while it looks on costs the others nothing of what they have") func lookerGone()
        throws
    {
        let expected = try train(.decoder, .gpipe(ranks: 1, microbatches: 4))
        let jobs = FakeJobs(size: 3)
        jobs.letLeave(2)
        let outcomes = outcomes(jobs)
        for outcome in outcomes.prefix(2) {
            let result = try outcome.get()
            expectSameBits(result, expected)
            #expect(result.timeline != nil && result.ranks.map(\.rank) == [0, 1])
        }
        #expect(texts(outcomes)[2].contains("the test has ended this process"))
        #expect(jobs.gaveUp.isDisjoint(with: [0, 1]), "the others are to end together")
    }

    @Test("a step that one process wants to be the last is the last in all") func ended() throws {
        let steps = try outcomes(FakeJobs(size: 2)) { _, configuration, _ in
            configuration.measuredSteps = 9
            // Only the second one, which has the last stage, knows the loss.
            configuration.stopsAfter = { step, _ in step == 2 }
        }.map { try $0.get().steps }
        #expect(steps == [4, 4])
    }
}
