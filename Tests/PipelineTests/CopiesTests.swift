// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Schedules that hold several copies of the chain of stages.
struct CopiesTests {
    /// Two copies of two stages, one down the ranks, one up, a microbatch each; nobody waits where F = B.
    ///
    ///     rank 0:  0F0 3F1 3B1 0B0
    ///     rank 1:  2F1 1F0 1B0 2B1
    private func crossed(
        _ lists: [String] = ["0F0 3F1 3B1 0B0", "2F1 1F0 1B0 2B1"], rankOfStage: [Int] = [0, 1, 1, 0],
        copies: Int = 2, microbatches: Int = 2
    ) -> Schedule {
        Schedule(
            name: "crossed", microbatches: microbatches, rankOfStage: rankOfStage, copies: copies,
            actions: lists.map { $0.split(separator: " ").map { action(String($0)) } })
    }

    private func refusal(_ schedule: Schedule) -> String? {
        do throws(ScheduleError) {
            _ = try schedule.validated()
            return nil
        } catch { return error.description }
    }

    @Test("a stage is one of its copy's, the first and the last of which have no neighbour beyond") func stages() {
        let schedule = crossed()
        #expect(schedule.stages == 4 && schedule.stagesOfCopy == 2 && schedule.copies == 2)
        #expect((0..<4).map(schedule.copy(ofStage:)) == [0, 0, 1, 1])
        #expect((0..<4).map(schedule.modelStage) == [0, 1, 0, 1])
        #expect((0..<4).map(schedule.isFirst) == [true, false, true, false])
        #expect((0..<4).map(schedule.isLast) == [false, true, false, true])
        #expect(schedule.stages(ofCopy: 1) == 2..<4)
    }

    @Test("nothing is handed on between copies: facts, times and bound by hand") func facts() throws {
        let facts = try crossed().validated()
        #expect(facts.copyOfMicrobatch == [0, 1])
        #expect(facts.activationSlots == [1, 0, 1, 0] && facts.gradientSlots == [0, 1, 0, 1])
        #expect(facts.inFlightOfRank == [2, 2] && facts.stashFrames == [1, 1, 1, 1])
        let times = try OrderTimes(crossed(), ChunkCosts(forward: 2, handOff: 1))
        // 0F0 0-2, 3F1 and 1F0 3-5, 3B1 and 1B0 5-7, 0B0 and 2B1 8-10.
        #expect(times.start == [[0, 3, 5, 8], [0, 3, 5, 8]] && times.makespan == 10)
        #expect(try MakespanBound(crossed(), ChunkCosts(forward: 2, handOff: 1)).valueOfRank == [10, 10])
        let graph = try TaskGraph(crossed())
        // Each rank packs before its first backward, since it starts with a first stage.
        #expect(graph.tasks[1].map(\.stage) == [2, 1, 1, 2, 1, 1, 2, 2, 1, 2, 1, 2, nil])
        let senders = graph.tasks[1].indices.map { task in
            graph.senders(of: TaskGraph.Node(rank: 1, task: task)).map { [$0.rank, $0.task] }
        }
        #expect(senders.prefix(7) == [[], [[0, 0]], [], [], [], [], [[0, 4]]])
    }

    @Test("each microbatch goes through one copy, and each copy has one; actions are missing by their stage's number")
    func faults() {
        #expect(refusal(crossed()) == nil)
        #expect(
            refusal(crossed(["0F0 3F1 3B1 0B0", "2F0 1F0 1B0 2B1"]))
                == "microbatch 0 is at stages of two copies, with 0F0 and 2F0: each goes through one copy")
        #expect(refusal(crossed(microbatches: 3)) == "microbatch 2 goes through no copy of the stages")
        #expect(refusal(crossed(["0F0 3F1 3B1 0B0", "1F0 1B0 2B1"])) == "action 2F1 is missing")
        #expect(refusal(crossed(["0F0 0B0 3F1", "2F1 1F0 1B0 2B1"])) == "action 3B1 is missing")
        #expect(
            refusal(crossed(["0F0 0B0", "1F0 1B0"], microbatches: 1))
                == "no microbatch goes through copy 1 of the stages")
        #expect(
            refusal(crossed(["2F0 3F0 3B0 2B0"], rankOfStage: [0, 0, 0, 0], microbatches: 1))
                == "no microbatch goes through copy 0 of the stages")
        #expect(refusal(crossed(copies: 3)) == "4 stages are not 3 copies of as many stages each")
        #expect(refusal(crossed(copies: 0)) == "0 copies: at least 1 is needed")
        #expect(refusal(crossed(copies: -2)) == "-2 copies: at least 1 is needed")
        #expect(refusal(crossed(microbatches: .max))?.contains("goes through no copy") == true)
        // As one chain it is another order, in which microbatch 0 has to go on to stage 2.
        #expect(refusal(crossed(copies: 1)) == "action 0F1 is missing")
        #expect(crossed(copies: 0).tasks.count == 2 && crossed(copies: -1).forwardOnly().isForwardOnly)
    }

    @Test("copies that take their microbatches in different orders at two ends are told by their stages") func links() {
        let lists = ["0F0 0F2 0B0 0B2", "1F0 1F2 1B0 1B2", "2F1 2B1", "3F1 3B1"]
        let good = crossed(lists, rankOfStage: [0, 1, 2, 3], microbatches: 3)
        #expect(refusal(good) == nil)
        let bad = ["0F0 0B0", "1F0 1B0", "2F1 2F2 2B1 2B2", "3F2 3F1 3B1 3B2"]
        #expect(
            refusal(crossed(bad, rankOfStage: [0, 1, 2, 3], microbatches: 3))
                == "stage 2 sends microbatches in another order than stage 3 takes them")
    }

    @Test("frames are told by the microbatch's number over all copies; of others there is none") func frames() throws {
        let lists = ["0F0 0F2 0F3 0B0 0B2 0B3", "1F1 1F4 1B1 1B4"]
        let facts = try crossed(lists, rankOfStage: [0, 1], microbatches: 5).validated()
        #expect(facts.copyOfMicrobatch == [0, 1, 0, 0, 1] && facts.stashFrames == [3, 2])
        #expect(facts.frames.map(\.stash.frameOfMicrobatch) == [[0, 0, 1, 2, 0], [0, 0, 0, 0, 1]])
    }

    @Test("gradients of several copies are added up in another order than one stage's, losses are not") func bits()
        throws
    {
        let reason =
            "weight gradients are added up in each of the 2 copies of the stages first, and then over the copies"
        #expect(try crossed().validated().bits == .toRounding(reason: reason))
        #expect(try crossed().forwardOnly().validated().bits == .asOneStage)
        #expect(crossed().forwardOnly().copies == 2)
    }

    // MARK: Replicas

    @Test("replicas have ranks, stages and microbatches one after the other") func replicas() throws {
        let schedule = Schedule.oneFOneB(ranks: 2, microbatches: 2).replicated(2)
        let lists = schedule.actions.map { $0.map(\.description).joined(separator: " ") }
        #expect(lists == ["0F0 0F1 0B0 0B1", "1F0 1B0 1F1 1B1", "2F2 2F3 2B2 2B3", "3F2 3B2 3F3 3B3"])
        #expect(schedule.rankOfStage == [0, 1, 2, 3] && schedule.microbatches == 4)
        #expect(schedule.copies == 2 && schedule.replicas == 2 && schedule.stagesOfCopy == 2)
        #expect(schedule.kind == .oneFOneB && schedule.name == "1F1B" && schedule.identifier == "1f1b")
        #expect(try schedule.validated().copyOfMicrobatch == [0, 0, 1, 1])
        #expect(schedule.tasks[2].map(\.description).prefix(3) == ["action 2F2", "action 2F3", "packing"])
    }

    @Test("one replica is the schedule itself, and replicas of replicas multiply; so do other copies") func nesting() {
        let schedule = Schedule.interleaved(ranks: 2, virtualStages: 2, microbatches: 3)
        #expect(schedule.replicated(1) == schedule)
        #expect(schedule.replicated(2).replicated(3) == schedule.replicated(6))
        #expect(schedule.replicated(3).forwardOnly() == schedule.forwardOnly().replicated(3))
        let twice = crossed().replicated(2)
        #expect(twice.copies == 4 && twice.replicas == 2 && twice.stagesOfCopy == 2)
        #expect(twice.rankOfStage == [0, 1, 1, 0, 2, 3, 3, 2] && refusal(twice) == nil)
        #expect(twice.actions[3].map(\.description) == ["6F3", "5F2", "5B2", "6B3"])
    }

    @Test("what holds of an order holds of each of its replicas", arguments: ScheduleKind.allCases, [2, 3])
    func replicasAlike(kind: ScheduleKind, replicas: Int) throws {
        for (ranks, microbatches) in [(1, 2), (2, 4), (3, 6), (4, 8)] {
            let one = kind.make(ranks: ranks, microbatches: microbatches)
            if one.actions.isEmpty { continue }
            for schedule in [one, one.forwardOnly()] {
                let all = schedule.replicated(replicas)
                let (facts, expected) = (try all.validated(), try schedule.validated())
                func repeated<Value>(_ list: [Value]) -> [Value] { (0..<replicas).flatMap { _ in list } }
                #expect(facts.activationSlots == repeated(expected.activationSlots))
                #expect(facts.gradientSlots == repeated(expected.gradientSlots))
                #expect(facts.inFlightOfRank == repeated(expected.inFlightOfRank))
                #expect(facts.stashFrames == repeated(expected.stashFrames))
                #expect(facts.gradientFrames == repeated(expected.gradientFrames))
                try all.checkDeadlock(activationSlots: facts.activationSlots, gradientSlots: facts.gradientSlots)
                let costs = ChunkCosts(forward: 2, inputGradient: 3, handOff: 0.5)
                #expect(try OrderTimes(all, costs).start == repeated(try OrderTimes(schedule, costs).start))
                #expect(
                    try MakespanBound(all, costs).valueOfRank
                        == repeated(try MakespanBound(schedule, costs).valueOfRank))
                func ofPipeline(_ schedule: Schedule) -> [[RankTask.Kind]] {
                    schedule.tasks.map { $0.map(\.kind).filter { $0 != .summing } }
                }
                #expect(ofPipeline(all) == repeated(ofPipeline(schedule)))
                #expect(all.idleShareByFormula == schedule.idleShareByFormula)
            }
        }
    }

    @Test("a replica on one rank is alone: it packs within its own first forward") func alone() {
        let schedule = Schedule.gpipe(ranks: 1, microbatches: 3).replicated(2)
        #expect(!schedule.tasks.joined().contains { $0.kind == .packing })
        #expect(schedule.microbatchThatPacks(0) == 0 && schedule.microbatchThatPacks(1) == 3)
        #expect(Schedule.gpipe(ranks: 2, microbatches: 3).replicated(2).microbatchThatPacks(2) == nil)
    }

    @Test("numbers that make no replicas are refused with the number") func absurdReplicas() {
        let schedule = Schedule.oneFOneB(ranks: 2, microbatches: 2)
        #expect(refusal(schedule.replicated(0)) == "0 replicas: at least 1 is needed")
        #expect(refusal(schedule.replicated(.min))?.hasSuffix(" replicas: at least 1 is needed") == true)
        #expect(refusal(schedule.replicated(.max))?.hasSuffix("of 1F1B are more than 16777216 actions") == true)
        #expect(refusal(Schedule.oneFOneB(ranks: 0, microbatches: 2).replicated(2)) == "0 ranks: at least 1 is needed")
    }

    @Test("all copies are cut alike: as one copy is") func cut() throws {
        let loads = [1.0, 5, 2, 2, 7, 1, 3]
        for schedule in [
            Schedule.oneFOneB(ranks: 3, microbatches: 4), ScheduleKind.zeroBubbleV.make(ranks: 2, microbatches: 4),
        ] {
            let stages = schedule.stages
            let one = try Partition.balanced(loads: loads, stages: stages, TaskGraph(schedule))
            let two = try Partition.balanced(loads: loads, stages: stages, TaskGraph(schedule.replicated(2)))
            #expect(one.ranges == two.ranges)
        }
    }
}
