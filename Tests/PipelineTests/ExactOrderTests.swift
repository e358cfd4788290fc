// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// The shortest orders of small problems: by hand, and against all orders there are.
struct ExactOrderTests {
    /// Two unequal stages: F 1 and 4, B 5 and 4, hand-offs 2 on and 0.5 back.
    private static let costs = OrderCosts([
        ChunkCosts(forward: 1, inputGradient: 9, weightGradient: 9, wholeBackward: 5, handOff: 2),
        ChunkCosts(forward: 4, inputGradient: 3, weightGradient: 1, handOff: 0.5),
    ])

    @Test("two ranks, two microbatches, by hand: 1F1B's order on the slower rank") func byHand() throws {
        let problem = OrderProblem(microbatches: 2, rankOfStage: [0, 1], costs: Self.costs)
        let exact = ExactOrder(problem, backwards: .whole)
        // Rank 1 begins at 1 + 2 and works for 16; after its last B 0.5 and B 5 on rank 0 follow. With B0 before F1 there, rank 0
        // has done B0 by 16.5 and waits for B1: 3 + 16 + 0.5 + 5. GPipe's takes 25.5.
        #expect(exact.makespan == 24.5 && exact.isProven)
        let schedule = try #require(exact.schedule)
        #expect(schedule.actions[1].map(\.description) == ["1F0", "1B0", "1F1", "1B1"])
        #expect(schedule.actions[0].map(\.description) == ["0F0", "0F1", "0B0", "0B1"])
        #expect(try schedule.validated().bits == .asOneStage)
    }

    @Test("backwards that may come apart: those that gain by it do") func forms() throws {
        // With I and W apart at stage 1, I 3 leaves a unit sooner there: of one microbatch 1 + 2 + 4 + 3 + 0.5, and then at stage 0
        // B 5 instead of I 9 and W 9.
        let problem = OrderProblem(microbatches: 1, rankOfStage: [0, 1], costs: Self.costs)
        let exact = ExactOrder(problem, backwards: .either)
        #expect(exact.makespan == 15.5 && exact.isProven)
        #expect(exact.schedule?.actions.map { $0.map(\.description) } == [["0F0", "0B0"], ["1F0", "1I0", "1W0"]])
        #expect(ExactOrder(problem, backwards: .whole).makespan == 16.5)
        #expect(ExactOrder(problem, backwards: .split).makespan == 28.5)
    }

    @Test("a rank that waits because of its memory: by hand, one microbatch after the other") func memory() {
        let costs = OrderCosts([
            ChunkCosts(forward: 2, wholeBackward: 3, handOff: 0.5),
            ChunkCosts(forward: 1, wholeBackward: 4, handOff: 0.25),
        ])
        func exact(_ microbatches: Int, frames: Int) -> ExactOrder {
            // Rank 0 may hold so many frames of 7 bytes, a gradient of 2, and 6 bytes that are not enough for another one.
            let memory = OrderMemory(frameBytes: [7, 1], gradientBytes: [2, 1], limitOfRank: [7 * frames + 8, 100])
            let problem = OrderProblem(microbatches: microbatches, rankOfStage: [0, 1], costs: costs, memory: memory)
            return ExactOrder(problem, backwards: .whole)
        }
        // A microbatch takes 2 + 0.5 + 1 + 4 + 0.25 + 3 from its F to its B at stage 0.
        #expect(exact(2, frames: 1).makespan == 21.5)
        #expect(exact(3, frames: 1).makespan == 32.25)
        // With two frames, F2 comes after B0 at 10.75: to 21.5. With three, rank 1 works from 2.5 on for 15, and 3.25 follow.
        #expect(exact(3, frames: 2).makespan == 21.5)
        #expect(exact(3, frames: 3).makespan == 20.75)
        let none = exact(2, frames: 0)
        #expect(none.schedule == nil && none.makespan == .infinity && none.isProven)
    }

    @Test("the limit of nodes ends it, with what it has") func limit() {
        let problem = OrderProblem(
            microbatches: 4, rankOfStage: [0, 1, 2],
            costs: OrderCosts(equal: ChunkCosts(forward: 2, handOff: 1), stages: 3))
        let none = ExactOrder(problem, backwards: .split, nodeLimit: 5)
        #expect(none.schedule == nil && !none.isProven && none.nodes == 5)
        // 36 actions are done at the 37th node.
        let some = ExactOrder(problem, backwards: .split, nodeLimit: 37)
        #expect(some.schedule != nil && !some.isProven && some.nodes == 37)
    }

    // MARK: All orders

    private static let loop = [0, 1, 0, 1]
    private static let vee = [0, 1, 1, 0]

    @Test(
        "no order of all there are is shorter, in whatever order microbatches come",
        arguments: [(2, [0, 1]), (3, [0, 1]), (2, [0, 1, 2]), (3, [0]), (1, loop), (2, loop), (2, vee)])
    func whole(microbatches: Int, rankOfStage: [Int]) throws {
        for seed in 0..<6 {
            try compare(microbatches, rankOfStage, .whole, isAscending: false, seed: seed)
        }
    }

    @Test(
        "nor where backwards come apart",
        arguments: [(2, [0, 1], false), (3, [0, 1], true), (2, [0, 1, 2], false), (3, [0], true), (1, vee, true)])
    func split(microbatches: Int, rankOfStage: [Int], isAscending: Bool) throws {
        for seed in 0..<6 {
            try compare(microbatches, rankOfStage, .split, isAscending: isAscending, seed: 100 + seed)
        }
    }

    @Test("nor where each may have either form", arguments: 0..<12) func either(seed: Int) throws {
        try compare(2, [0, 1], .either, isAscending: true, seed: 200 + seed)
    }

    /// Of these, found by leaving held ranks out of the search, the shortest order has a rank wait although it could do a forward:
    /// another stage of it needs the room later.
    @Test("nor where a rank has to wait for the sake of its memory", arguments: [70023, 70032, 70038])
    func held(seed: Int) throws {
        try compare(3, Self.loop, .whole, isAscending: true, seed: seed)
    }

    private func compare(
        _ microbatches: Int, _ rankOfStage: [Int], _ backwards: ExactOrder.Backwards, isAscending: Bool, seed: Int
    ) throws {
        var space = ProblemSpace(seed: UInt64(seed))
        let problem = space.problem(
            microbatches: microbatches, rankOfStage: rankOfStage, isLimited: seed % 3 > 0 || seed > 70000,
            isWholeFast: backwards == .either)
        let exact = ExactOrder(problem, backwards: backwards)
        let pairs = rankOfStage.count * microbatches
        var least = Double.infinity
        for choice in 0..<(backwards == .either ? 1 << pairs : 1) {
            let isWhole = (0..<pairs).map { backwards == .either ? choice >> $0 & 1 == 1 : backwards == .whole }
            least = min(least, EveryOrder(problem: problem, isWhole: isWhole, isAscending: isAscending).least)
        }
        #expect(exact.isProven && exact.makespan == least && least < .infinity, "\(problem)")
        let schedule = try #require(exact.schedule)
        #expect(try OrderTimes(schedule, problem.costs).makespan == least)
        #expect(try problem.memory?.fits(schedule, schedule.validated()) != false)
    }
}
