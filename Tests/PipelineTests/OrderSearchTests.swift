// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Orders that a search finds: against all orders there are of small problems, and against the named ones of larger ones.
struct OrderSearchTests {
    /// Stage 1 takes longer, and both would be done whole in less time than in parts.
    private static let costs = OrderCosts([
        ChunkCosts(forward: 2, inputGradient: 5, weightGradient: 1, wholeBackward: 4, handOff: 0.5),
        ChunkCosts(forward: 3, inputGradient: 7, weightGradient: 4, wholeBackward: 9, handOff: 0.5),
    ])

    @Test("with one frame a stage there is one microbatch after the other: the order, its time and the proof by hand")
    func oneFrame() throws {
        let memory = OrderMemory(frameBytes: [10, 20], gradientBytes: [3, 4], limitOfRank: [22, 43])
        let problem = OrderProblem(microbatches: 3, rankOfStage: [0, 1], costs: Self.costs, memory: memory)
        let found = try OrderSearch(problem, seed: 3, evaluations: 2000).run()
        // F 0-2, to rank 1: F 2.5-5.5, I 5.5-12.5 (W until 16.5), back: B 13-17. Then the next, which takes 17 again.
        #expect(found.makespan == 51 && found.leastMakespan == 51 && found.gap == 0 && found.end == .bound)
        #expect(found.schedule.actions[0].map(\.description) == ["0F0", "0B0", "0F1", "0B1", "0F2", "0B2"])
        #expect(found.schedule.actions[1].prefix(4).map(\.description) == ["1F0", "1I0", "1W0", "1F1"])
        #expect(found.bytesOfRank == [13, 24] && found.bestNamed == nil)
        #expect(found.schedule.identifier == "auto" && found.schedule.kind == nil)
    }

    @Test("a rank without room for one microbatch is named, with what it takes") func noRoom() {
        let memory = OrderMemory(frameBytes: [10, 20, 7], gradientBytes: [3, 4, 1], limitOfRank: [20, 24])
        let problem = OrderProblem(
            microbatches: 3, rankOfStage: [0, 1, 0], costs: OrderCosts(equal: ChunkCosts(), stages: 3), memory: memory)
        #expect(throws: ScheduleError.size("rank 0 may hold 20 bytes, and one microbatch at 2 stages takes 21 bytes")) {
            try OrderSearch(problem).run()
        }
    }

    @Test(
        "of two stages and three microbatches, it finds the shortest of all orders, and the proof holds",
        arguments: 0..<30)
    func shortest(seed: UInt64) throws {
        var space = ScheduleSpace(seed: seed + 100)
        let costs = OrderCosts(
            (0..<2).map { _ in
                ChunkCosts(
                    forward: Double(1 + space.number(below: 9)), inputGradient: Double(1 + space.number(below: 9)),
                    weightGradient: Double(1 + space.number(below: 9)),
                    wholeBackward: space.number(below: 3) == 0 ? Double(2 + space.number(below: 9)) : nil,
                    handOff: Double(space.number(below: 3)))
            })
        let limits = (0..<2).map { _ in 14 + space.number(below: 30) }
        let memory = OrderMemory(frameBytes: [10, 10], gradientBytes: [4, 3], limitOfRank: limits)
        let problem = OrderProblem(microbatches: 3, rankOfStage: [0, 1], costs: costs, memory: memory)
        let model = OrderModel(problem)
        var (check, replay) = (RankCheck(model), TokenReplay(model))
        let lists = (0..<2).map { Self.lists(stage: $0, microbatches: 3) }
        func fitting(_ rank: Int) -> [[Action]] {
            lists[rank].filter { list in
                let actions = rank == 0 ? [list, lists[1][0]] : [lists[0][0], list]
                return check.admits(TokenOrder(Self.schedule(actions), model), rank, model)
            }
        }
        var best = Double.infinity
        let (first, second) = (fitting(0), fitting(1))
        for one in first {
            for other in second {
                best = min(best, replay.trace(TokenOrder(Self.schedule([one, other]), model), model) ?? .infinity)
            }
        }
        let found = try OrderSearch(problem, seed: seed, evaluations: 4000).run()
        #expect(found.makespan == best && found.leastMakespan <= best)
    }

    private static func schedule(_ actions: [[Action]]) -> Schedule {
        Schedule(name: "any", microbatches: 3, rankOfStage: [0, 1], actions: actions)
    }

    /// All in which a stage can do its actions, microbatches ascending, backwards whole or in parts.
    private static func lists(stage: Int, microbatches: Int) -> [[Action]] {
        var lists: [[Action]] = []
        func extend(_ list: [Action], _ forwards: Int, _ inputs: Int, _ ends: Int) {
            if ends == microbatches { lists.append(list) }
            func next(_ kind: Action.Kind, _ microbatch: Int) -> [Action] {
                list + [Action(kind, stage: stage, microbatch: microbatch)]
            }
            if forwards < microbatches { extend(next(.forward, forwards), forwards + 1, inputs, ends) }
            if inputs < forwards { extend(next(.backwardInput, inputs), forwards, inputs + 1, ends) }
            if ends < inputs { extend(next(.backwardWeights, ends), forwards, inputs, ends + 1) }
            if inputs < forwards && ends == inputs {
                extend(next(.backward, inputs), forwards, inputs + 1, ends + 1)
            }
        }
        extend([], 0, 0, 0)
        return lists
    }

    @Test(
        "what it finds is sound, fits, has one stage's bits, and is no longer than any named order that fits",
        arguments: 0..<24)
    func named(seed: UInt64) throws {
        var space = ScheduleSpace(seed: seed + 500)
        let problem = Self.problem(&space, Int(seed))
        let found = try OrderSearch(problem, seed: seed, evaluations: 1500).run()
        let facts = try found.schedule.validated()
        #expect(facts.bits == .asOneStage && found.schedule.rankOfStage == problem.rankOfStage)
        #expect(found.makespan == (try OrderTimes(found.schedule, problem.costs).makespan))
        #expect(found.leastMakespan <= found.makespan && found.bound.value <= found.leastMakespan)
        if let memory = problem.memory {
            #expect(
                memory.fits(found.schedule, facts) && found.bytesOfRank == memory.bytesOfRank(found.schedule, facts))
        } else {
            #expect(found.bytesOfRank.isEmpty)
        }
        var best = Double.infinity
        let virtualStages = problem.rankOfStage.count / problem.ranks
        for kind in ScheduleKind.ofOneCopy where kind.allows(virtualStages: virtualStages) {
            let schedule = kind.make(
                ranks: problem.ranks, virtualStages: virtualStages, microbatches: problem.microbatches)
            guard schedule.rankOfStage == problem.rankOfStage, let facts = try? schedule.validated() else { continue }
            if problem.memory?.fits(schedule, facts) == false { continue }
            best = min(best, try OrderTimes(schedule, problem.costs).makespan)
        }
        #expect(found.makespan <= best && found.bestNamed?.makespan ?? .infinity == best)
        #expect(try OrderSearch(problem, seed: seed, evaluations: 1500).run() == found)
    }

    /// With as much memory as a named order takes, or as one more frame a stage than any order, or as much as it likes.
    private static func problem(_ space: inout ScheduleSpace, _ number: Int) -> OrderProblem {
        let (ranks, microbatches) = (2 + space.number(below: 3), 2 + space.number(below: 7))
        let shape = number % 3
        let stages = shape == 0 ? ranks : 2 * ranks
        let rankOfStage =
            shape == 2
            ? Schedule.vPlacement(ranks: ranks) : Schedule.loopPlacement(ranks: ranks, stages: stages)
        let costs = OrderCosts(
            (0..<stages).map { _ in
                ChunkCosts(
                    forward: Double(1 + space.number(below: 9)), inputGradient: Double(1 + space.number(below: 9)),
                    weightGradient: Double(1 + space.number(below: 9)),
                    wholeBackward: space.number(below: 3) == 0 ? 9 : nil, handOff: 0.5 * Double(space.number(below: 3)))
            })
        let all = OrderMemory(
            frameBytes: (0..<stages).map { _ in 5 + space.number(below: 9) },
            gradientBytes: (0..<stages).map { _ in 1 + space.number(below: 5) },
            limitOfRank: Array(repeating: .max, count: ranks))
        var limits: [Int]?
        if number / 3 % 3 == 0 {
            let kind: ScheduleKind = shape == 0 ? .zeroBubble : shape == 1 ? .interleaved : .vHalf
            let schedule = kind.make(ranks: ranks, microbatches: microbatches)
            limits = (try? schedule.validated()).map { all.bytesOfRank(schedule, $0) }
        } else if number / 3 % 3 == 1 {
            limits = Array(repeating: 0, count: ranks)
            for (stage, rank) in rankOfStage.enumerated() {
                limits![rank] += 2 * all.frameBytes[stage] + all.gradientBytes[stage]
            }
        }
        return OrderProblem(
            microbatches: microbatches, rankOfStage: rankOfStage, costs: costs,
            memory: limits.map {
                OrderMemory(frameBytes: all.frameBytes, gradientBytes: all.gradientBytes, limitOfRank: $0)
            })
    }

    @Test("it stops at the time it is given, and says so") func time() throws {
        var space = ScheduleSpace(seed: 8)
        let found = try OrderSearch(Self.problem(&space, 5), seed: 1, evaluations: .max, seconds: 0).run()
        #expect(found.end == .time && found.evaluations > 0)
        _ = try found.schedule.validated()
    }
}
