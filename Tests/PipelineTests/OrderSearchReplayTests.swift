// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// A search's own replay and account of memory, which are fast, against those that everybody else reads.
struct OrderSearchReplayTests {
    @Test(
        "of any order, a search's times, memory and refusals are those of OrderTimes and ScheduleFacts",
        arguments: 0..<40)
    func same(seed: UInt64) throws {
        var (space, run, wholes) = (ScheduleSpace(seed: seed), 0, 0)
        for _ in 0..<50 {
            let drawn = space.sound()
            let stages = drawn.stages
            let costs = OrderCosts(
                (0..<stages).map { _ in
                    ChunkCosts(
                        forward: 0.1 * Double(1 + space.number(below: 40)),
                        inputGradient: 0.1 * Double(space.number(below: 40)),
                        weightGradient: 0.1 * Double(space.number(below: 40)),
                        wholeBackward: space.number(below: 2) == 0 ? 0.1 * Double(space.number(below: 70)) : nil,
                        handOff: 0.1 * Double(space.number(below: 20)))
                })
            let memory = OrderMemory(
                frameBytes: (0..<stages).map { _ in space.number(below: 900) },
                gradientBytes: (0..<stages).map { _ in space.number(below: 900) },
                limitOfRank: Array(repeating: 1 << 40, count: drawn.ranks))
            let problem = OrderProblem(
                microbatches: drawn.microbatches, rankOfStage: drawn.rankOfStage, costs: costs, memory: memory)
            let model = OrderModel(problem)
            let order = TokenOrder(drawn, model)
            let schedule = order.schedule(model, name: "any")
            var (check, replay) = (RankCheck(model), TokenReplay(model))
            let facts = try? schedule.validated()
            let isSound = facts?.bits == .asOneStage
            // What no rank can do, it says; what all could do may still end in ranks that wait for each other.
            let bytes = (0..<drawn.ranks).map { rank in
                check.admits(order, rank, model) ? check.bytes(rank, model) : nil
            }
            guard !bytes.contains(nil) else {
                #expect(!isSound, "\(schedule)")
                continue
            }
            let makespan = replay.trace(order, model)
            #expect((makespan != nil) == isSound, "\(schedule)")
            guard let facts, let makespan else { continue }
            run += 1
            if schedule.actions.joined().contains(where: { $0.kind == .backward }) { wholes += 1 }
            let times = try OrderTimes(schedule, costs)
            #expect(makespan == times.makespan)
            #expect(bytes == memory.bytesOfRank(schedule, facts))
            let none = Array(repeating: 0.0, count: drawn.ranks)
            #expect(replay.makespan(order, model, work: none, limit: .infinity) == makespan)
            // A limit on the idle time alone: given up below the most that a rank waits before it is done, and not at it.
            let waits = times.start.enumerated().map { rank, starts in
                times.end(rank, starts.count - 1) - times.work[rank]
            }
            let most = waits.max()!
            #expect(replay.makespan(order, model, work: none, limit: most + 1e-6) == makespan)
            if most > 1e-6 { #expect(replay.makespan(order, model, work: none, limit: most - 1e-6) == nil) }
        }
        #expect(run > 10 && wholes > 0)
    }

    @Test("a rank that may hold as much as its order takes may do it, and with a byte less may not") func limit() throws
    {
        // Three in flight at stage 0, two of them in their backward at once; at stage 1 one of each.
        let rows = [
            ["0F0", "0F1", "0F2", "0I0", "0I1", "0W0", "0W1", "0B2"], ["1F0", "1B0", "1F1", "1B1", "1F2", "1B2"],
        ]
        let actions = rows.map { row in
            row.map { text in
                let letters = Array(text)
                return Action(
                    Action.Kind(rawValue: String(letters[1]))!, stage: Int(String(letters[0]))!,
                    microbatch: Int(String(letters[2]))!)
            }
        }
        let schedule = Schedule(name: "any", microbatches: 3, rankOfStage: [0, 1], actions: actions)
        for (limits, fits) in [
            ([3 * 70 + 2 * 11, 50 + 9], [true, true]), ([3 * 70 + 2 * 11 - 1, 50 + 8], [false, false]),
        ] {
            let model = OrderModel(
                OrderProblem(
                    microbatches: 3, rankOfStage: [0, 1], costs: OrderCosts(equal: ChunkCosts(), stages: 2),
                    memory: OrderMemory(frameBytes: [70, 50], gradientBytes: [11, 9], limitOfRank: limits)))
            var check = RankCheck(model)
            let order = TokenOrder(schedule, model)
            #expect([0, 1].map { check.admits(order, $0, model) } == fits)
        }
    }
}
