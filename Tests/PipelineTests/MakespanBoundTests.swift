// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Bounds of problems, who proves them, and how they stand to the shortest orders.
struct MakespanBoundTests {
    private static let costs = OrderCosts([
        ChunkCosts(forward: 2, wholeBackward: 3, handOff: 0.5), ChunkCosts(forward: 1, wholeBackward: 4, handOff: 0.25),
    ])

    private static func problem(_ microbatches: Int, frames: Int? = nil) -> OrderProblem {
        let memory = frames.map {
            OrderMemory(frameBytes: [7, 1], gradientBytes: [2, 1], limitOfRank: [7 * $0 + 8, 100])
        }
        return OrderProblem(microbatches: microbatches, rankOfStage: [0, 1], costs: costs, memory: memory)
    }

    @Test("with limits, by hand: k microbatches take as long as one from its forward to its backward")
    func memoryByHand() {
        func bound(_ microbatches: Int, frames: Int?) -> MakespanBound {
            MakespanBound(Self.problem(microbatches, frames: frames), backwards: .whole)
        }
        // From F to B at stage 0 it takes 2 + 0.5 + 1 + 4 + 0.25 + 3 = 10.75. Rank 1 alone: 2.5 before, 15 of work, 3.25 after.
        #expect(bound(3, frames: 1).value == 32.25)
        #expect(bound(3, frames: 2).value == 21.5)
        #expect(bound(3, frames: 3).value == 20.75 && bound(3, frames: nil).value == 20.75)
        #expect(bound(3, frames: 0).value == .infinity)
        #expect(bound(3, frames: 0).proof == .room(rank: 0))
        #expect(bound(3, frames: nil).proof == .rank(1, before: 2.5, work: 15, after: 3.25))
        #expect("\(bound(3, frames: nil).proof)" == "rank 1's own work, 15.0, with 2.5 before it and 3.25 after it")
        let chain = ["0F0", "1F0", "1B0", "0B0", "0F2", "1F2", "1B2", "0B2"]
        guard case .chain(let actions) = bound(3, frames: 2).proof else {
            Issue.record("the chain proves it")
            return
        }
        #expect(actions.map(\.description) == chain)
        #expect("\(bound(3, frames: 2).proof)" == "the longest chain, 0F0 to 0B2")
    }

    @Test("a limit that two stages share, by hand: room for a second microbatch of one of them") func shared() {
        let costs = OrderCosts(
            [(1.0, 1.0), (1, 1), (1, 1), (4, 5)].map { ChunkCosts(forward: $0.0, wholeBackward: $0.1) })
        func problem(_ limit: Int) -> OrderProblem {
            // Rank 0 has stages 0 and 2, with one of each 5 + 1 and 4 + 1 bytes.
            let memory = OrderMemory(
                frameBytes: [5, 1, 4, 1], gradientBytes: [1, 1, 1, 1], limitOfRank: [limit, 100])
            return OrderProblem(microbatches: 2, rankOfStage: [0, 1, 0, 1], costs: costs, memory: memory)
        }
        // Room for both: rank 1 begins at 1, works for 2 x (1 + 4 + 5 + 1), and 0B follows.
        #expect(MakespanBound(problem(20), backwards: .whole).value == 24)
        #expect(ExactOrder(problem(20), backwards: .whole).makespan == 24)
        // Room for one: for stage 0's, then 2F1 comes after 2B0 at 13, and 3F, 3B, 2B, 1B, 0B follow: 14 + 9 + 3. For stage 2's,
        // then 0F1 comes after 0B0 at 15, and all takes 30.
        for limit in [16, 19] {
            #expect(MakespanBound(problem(limit), backwards: .whole).value == 26)
            #expect(ExactOrder(problem(limit), backwards: .whole).makespan == 26)
        }
        // Only stage 2's takes no more than 4 bytes.
        #expect(MakespanBound(problem(15), backwards: .whole).value == 30)
        #expect(ExactOrder(problem(15), backwards: .whole).makespan == 30)
    }

    @Test("of a schedule, the longest chain where that is enough, else the rank's work") func proofs() throws {
        let one = try MakespanBound(.gpipe(ranks: 2, microbatches: 1), Self.costs)
        #expect(one.value == 10.75 && "\(one.proof)" == "the longest chain, 0F0 to 0B0")
        let three = try MakespanBound(.gpipe(ranks: 2, microbatches: 3), Self.costs)
        #expect(three.proof == .rank(1, before: 2.5, work: 15, after: 3.25))
        // Rank 0 works for 3 x (2 + 3), rank 1 for 3 x (1 + 4): the first of equals. With a slower F at stage 1, that one.
        #expect(three.steadyStateBound == 15 && three.busiestRank == 0)
        // Where W is longer than all that is left after its I, the chain ends with it: 1F0 2, I 3, W 9 against I 1, W 2 after 0.5.
        let costs = OrderCosts([
            ChunkCosts(forward: 1, inputGradient: 1, weightGradient: 2, handOff: 0.5),
            ChunkCosts(forward: 2, inputGradient: 3, weightGradient: 9, handOff: 0.5),
        ])
        let late = try MakespanBound(.zeroBubble(ranks: 2, microbatches: 1), costs)
        #expect(late.value == 15.5 && "\(late.proof)" == "the longest chain, 0F0 to 1W0")
        #expect(late.workOfRank == [4, 14] && late.steadyStateBound == 14 && late.busiestRank == 1)
        let alone = try MakespanBound(.gpipe(ranks: 1, microbatches: 2), ChunkCosts(forward: 2))
        #expect("\(alone.proof)" == "rank 0's own work, 8.0")
    }

    @Test("of a problem, backwards of either form: the least of each part") func either() {
        let costs = OrderCosts([ChunkCosts(forward: 2, inputGradient: 3, weightGradient: 4, wholeBackward: 6)])
        let problem = OrderProblem(microbatches: 3, rankOfStage: [0], costs: costs)
        // F 2, and B 6 is less than 3 + 4.
        #expect(MakespanBound(problem).value == 24 && MakespanBound(problem, backwards: .split).value == 27)
        #expect(MakespanBound(problem).steadyStateBound == 24)
    }

    @Test("bounds are no more than the shortest order's time, which no order by name that fits beats", arguments: 0..<4)
    func random(part: Int) throws {
        for seed in 60 * part..<60 * (part + 1) {
            var space = ProblemSpace(seed: UInt64(1000 + seed))
            let rankOfStage = [[0, 1], [0, 1, 2], [0, 1, 0, 1], [0, 1, 1, 0]][seed % 4]
            let microbatches = 2 + space.number(below: rankOfStage.count == 4 ? 2 : 3)
            let problem = space.problem(
                microbatches: microbatches, rankOfStage: rankOfStage, isLimited: seed % 3 > 0,
                isWholeFast: seed % 5 == 0)
            for backwards in ExactOrder.Backwards.allCases {
                let exact = ExactOrder(problem, backwards: backwards, nodeLimit: 20_000)
                let bound = MakespanBound(problem, backwards: backwards)
                #expect(bound.value <= exact.makespan && exact.makespan < .infinity, "\(seed): \(bound) \(exact)")
                #expect(MakespanBound(problem).value <= bound.value)
                if exact.isProven { try compareWithNames(exact, seed) }
            }
        }
    }

    private func compareWithNames(_ exact: ExactOrder, _ seed: Int) throws {
        let problem = exact.problem
        for kind in ScheduleKind.ofOneCopy {
            let virtualStages = problem.rankOfStage.count / problem.ranks
            if !kind.allows(virtualStages: virtualStages) { continue }
            let schedule = kind.make(
                ranks: problem.ranks, virtualStages: virtualStages, microbatches: problem.microbatches)
            guard schedule.rankOfStage == problem.rankOfStage, let facts = try? schedule.validated() else { continue }
            if problem.memory?.fits(schedule, facts) == false { continue }
            let kinds = Set(schedule.actions.joined().map(\.kind))
            let isAllowed =
                switch exact.backwards {
                case .whole: !kinds.contains(.backwardInput)
                case .split: !kinds.contains(.backward)
                case .either: true
                }
            if isAllowed {
                if exact.backwards != .either && problem.memory == nil {
                    #expect(
                        try MakespanBound(schedule, problem.costs).value
                            <= MakespanBound(problem, backwards: exact.backwards).value)
                }
                #expect(try exact.makespan <= OrderTimes(schedule, problem.costs).makespan, "\(seed) \(kind.title)")
            }
        }
    }
}
