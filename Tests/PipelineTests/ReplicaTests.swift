// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import Pipeline
import SharedTensor
import Testing
import Threads

/// Runs whose stages have copies.
struct ReplicaTests {
    /// That it agrees with one stage, that its copies have become alike, and that it has allocated nothing on the way.
    private func expectSound(_ result: RunResult, _ baseline: RunResult) {
        let name = "\(result.plan.schedule.name) R=\(result.plan.schedule.replicas)"
        #expect(result.difference(fromOneStage: baseline) == nil, "\(name)")
        #expect(result.losses[0].bitPattern == baseline.losses[0].bitPattern, "\(name)")
        #expect(result.differenceOfCopies == nil, "\(name)")
        let stages = result.plan.schedule.stagesOfRanks.map(\.count)
        #expect(result.ranks.map(\.weightMarks.count) == stages, "\(name)")
        let none = ppt_counts_allocations() == 1 ? 0 : nil
        #expect(result.ranks.allSatisfy { $0.allocationsInSteps == none }, "\(name)")
    }

    @Test(
        "two replicas of any order, on a rank each or on two, train as one stage does to rounding",
        arguments: ScheduleKind.allCases, Architecture.allCases)
    func kinds(kind: ScheduleKind, architecture: Architecture) throws {
        let baseline = try train(architecture, .oneFOneB(ranks: 1, microbatches: 12))
        for ranks in [1, 2] {
            let schedule = kind.make(ranks: ranks, microbatches: 6)
            if schedule.actions.isEmpty { continue }
            expectSound(try train(architecture, schedule.replicated(2)), baseline)
        }
    }

    @Test("three replicas, and orders with two copies on four ranks, do so too") func others() throws {
        for (schedule, partition) in [
            (Schedule.oneFOneB(ranks: 1, microbatches: 2).replicated(3), PartitionKind.uniform),
            (.zeroBubble(ranks: 2, microbatches: 2).replicated(3), .balanced),
            (ScheduleKind.chimera.make(ranks: 4, microbatches: 4), .uniform),
            (ScheduleKind.chimera.make(ranks: 2, microbatches: 2).replicated(2), .balanced),
            (ScheduleKind.dualPipe.make(ranks: 4, microbatches: 12), .uniform),
        ] {
            let baseline = try train(.gpt, .oneFOneB(ranks: 1, microbatches: schedule.microbatches))
            expectSound(try train(.gpt, schedule, .kind(partition)), baseline)
            expectSound(try train(.gpt, schedule, .kind(partition)) { $0.recomputes = true }, baseline)
        }
    }

    @Test("with so many replicas, bits are those of any number of ranks, threads and cuts", arguments: [2, 3])
    func sameBits(replicas: Int) throws {
        let one = try train(.decoder, .oneFOneB(ranks: 1, microbatches: 2).replicated(replicas)) { $0.dropout = 0.2 }
        for (ranks, partition, threads) in [
            (1, PartitionKind.uniform, 2), (2, .uniform, 1), (2, .balanced, 2), (4, .balanced, 1),
        ] {
            let schedule = Schedule.gpipe(ranks: ranks, microbatches: 2).replicated(replicas)
            let result = try train(.decoder, schedule, .kind(partition)) {
                ($0.dropout, $0.threadsPerRank) = (0.2, threads)
            }
            expectSameBits(result, one)
        }
    }

    @Test("dropout's masks are those of the microbatch's number over all replicas") func dropout() throws {
        let baseline = try train(.gpt, .oneFOneB(ranks: 1, microbatches: 4)) { $0.dropout = 0.3 }
        let result = try train(.gpt, .oneFOneB(ranks: 2, microbatches: 2).replicated(2)) { $0.dropout = 0.3 }
        expectSound(result, baseline)
    }

    @Test(
        "copies of a stage on one rank hand on through local slots, and copies of whole models need no edge between stages"
    )
    func oneRank() throws {
        let lists = ["0F0 1F1 0B0 1B1"].map { $0.split(separator: " ").map { action(String($0)) } }
        let schedule = Schedule(name: "both", microbatches: 2, rankOfStage: [0, 0], copies: 2, actions: lists)
        let result = try train(.gpt, schedule)
        expectSound(result, try train(.gpt, .oneFOneB(ranks: 1, microbatches: 2)))
        #expect(result.ranks[0].handoffBytesCopied == 0)
    }

    @Test("forwards alone have the untrained model's loss, over all replicas", arguments: [1, 2])
    func forwardOnly(ranks: Int) throws {
        let alone = try train(.gpt, .gpipe(ranks: 1, microbatches: 6).forwardOnly())
        let result = try train(.gpt, .gpipe(ranks: ranks, microbatches: 2).replicated(3).forwardOnly())
        expectSameBits(result, alone)
        #expect(result.ranks.map(\.lossBits.count).filter { $0 > 0 } == [2])
    }

    @Test("a run tells each step's loss while it goes on, and ends by it, as one stage does") func live() throws {
        func losses(_ schedule: Schedule) throws -> ([Float], RunResult) {
            var configuration = smallConfiguration(.gpt, schedule)
            configuration.measuredSteps = 50
            configuration.stopsAfter = { step, loss in step >= 7 && loss.isFinite }
            var told: [Float] = []
            let result = try RunPlan(configuration).run {
                if let step = $0.finished { told.append(step.loss) }
                return .goOn
            }
            return (told, result)
        }
        let (told, result) = try losses(.oneFOneB(ranks: 2, microbatches: 2).replicated(2))
        let (_, alone) = try losses(.oneFOneB(ranks: 1, microbatches: 4))
        #expect(told == result.losses && result.steps == alone.steps && result.finishedSteps.count == told.count)
        #expect(told[0].bitPattern == alone.losses[0].bitPattern)
    }

    @Test("copies that have grown apart are told by their stages") func apart() throws {
        let result = try train(.gpt, .gpipe(ranks: 2, microbatches: 2).replicated(2))
        var reports = result.ranks
        reports[3].weightMarks[0] ^= 1
        let other = RunResult(plan: result.plan, ranks: reports, timeline: nil, began: 0, ended: 1)
        #expect(
            other.differenceOfCopies == "the weights of stage 3 are not those of stage 1, of which it is a copy")
    }

    @Test("each copy's weights, gradients and states count, and so do the slots between copies") func memory() throws {
        let one = try RunPlan(smallConfiguration(.gpt, .gpipe(ranks: 1, microbatches: 2)))
        let two = try RunPlan(smallConfiguration(.gpt, .gpipe(ranks: 1, microbatches: 1).replicated(2)))
        let (own, copy) = (one.memory.ranks[0], two.memory.ranks[1])
        for kind in [MemoryKind.weights, .gradients, .optimizer] {
            #expect(two.memory.ranks[0][kind] == own[kind] && copy[kind] == own[kind])
        }
        #expect(one.memory.ranks[0][.slots] == 0)
        // Two slots each way, of half of the gradients in whole lines and two losses: either rank has half of both rings.
        let item = ((own[.gradients] / 64 + 1) / 2 * 64 + 2 * 4 + 63) / 64 * 64
        #expect((2 * item..<2 * item + 1024).contains(two.memory.ranks[0][.slots]))
        #expect(copy[.slots] == two.memory.ranks[0][.slots])
        // One copy's stand for all in what the run leaves: weights and gradients.
        let parameters = one.parameters.reduce(0) { $0 + $1.shape.count * 4 }
        #expect(two.memory.ranks[0][.results] >= copy[.results] + 2 * parameters)
    }

    @Test("a rank's share of the products is by its microbatches: equal with equal stages") func shares() throws {
        let plan = try RunPlan(smallConfiguration(.gpt, .gpipe(ranks: 1, microbatches: 2).replicated(3)))
        #expect(plan.productShareOfRank.allSatisfy { abs($0 - 1.0 / 3) < 1e-12 })
        let one = try RunPlan(smallConfiguration(.gpt, .gpipe(ranks: 1, microbatches: 6)))
        #expect(plan.productFLOPs == one.productFLOPs)
        let uneven = Schedule(
            name: "uneven", microbatches: 4, rankOfStage: [0, 1], copies: 2,
            actions: ["0F0 0F1 0F2 0B0 0B1 0B2", "1F3 1B3"].map { $0.split(separator: " ").map { action(String($0)) } })
        #expect(try RunPlan(smallConfiguration(.gpt, uneven)).productShareOfRank == [0.75, 0.25])
        expectSound(try train(.gpt, uneven), try train(.gpt, .gpipe(ranks: 1, microbatches: 4)))
    }
}
