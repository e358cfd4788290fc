// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Orders in unit times: figures by hand, and bounds against all orders there are of small ones.
struct OrderTimesTests {
    private static let costs = ChunkCosts(forward: 3, inputGradient: 4, weightGradient: 2, handOff: 0.5)

    @Test("actions begin when their rank has come to them and their input is there") func byHand() throws {
        // rank 0: F0 0-3, F1 3-6, B0 16-22, B1 22-28; rank 1: F0 3.5-6.5, F1 6.5-9.5, B0 9.5-15.5, B1 15.5-21.5.
        let times = try OrderTimes(.gpipe(ranks: 2, microbatches: 2), Self.costs)
        #expect(times.start == [[0, 3, 16, 22], [3.5, 6.5, 9.5, 15.5]])
        #expect(times.makespan == 28 && times.work == [18, 18] && times.idle == [10, 10])
        #expect(times.idleInside == [10, 0] && times.bubble == 20.0 / 56)
        #expect(times.end(0, 3) == 28 && times.end(1, 1) == 9.5)
    }

    @Test("stages of their own lengths: times and bounds by hand") func unequal() throws {
        let schedule = Schedule.gpipe(ranks: 2, microbatches: 2)
        let costs = OrderCosts([
            ChunkCosts(forward: 1, inputGradient: 9, weightGradient: 9, wholeBackward: 5, handOff: 2),
            ChunkCosts(forward: 4, inputGradient: 3, weightGradient: 1, handOff: 0.5),
        ])
        // rank 0: F0 0-1, F1 1-2, B0 15.5-20.5, B1 20.5-25.5; rank 1: F0 3-7, F1 7-11, B0 11-15, B1 15-19.
        let times = try OrderTimes(schedule, costs)
        #expect(times.start == [[0, 1, 15.5, 20.5], [3, 7, 11, 15]] && times.makespan == 25.5)
        #expect(times.work == [12, 16])
        // Rank 0: B from 11.5 on, one after the other. Rank 1: F from 3 on with 9.5 behind, B with 5.5: B1 ends at 19.
        let bound = try MakespanBound(schedule, costs)
        #expect(bound.valueOfRank == [21.5, 24.5] && bound.rank == 1)
        // I and W apart: I 3, then what follows at stage 0 is I alone, 9, with W 9 after it.
        let split = try OrderTimes(.zeroBubble(ranks: 2, microbatches: 1), costs)
        // F0 0-1, 3-7; I 7-10, W 10-11; at stage 0 I 10.5-19.5, W 19.5-28.5.
        #expect(split.makespan == 28.5)
        #expect(try MakespanBound(.zeroBubble(ranks: 2, microbatches: 1), costs).value == 28.5)
    }

    @Test("a hand-off within a rank takes nothing; weights' gradients wait for their input's alone") func local() throws
    {
        func action(_ text: String) -> Action {
            let letters = Array(text)
            let kind = Action.Kind(rawValue: String(letters[1]))!
            return Action(kind, stage: Int(String(letters[0]))!, microbatch: Int(String(letters[2]))!)
        }
        let rows = [["0F0", "3F0", "3I0", "3W0", "0I0", "0W0"], ["1F0", "2F0", "2I0", "1I0", "2W0", "1W0"]]
        let schedule = Schedule(
            name: "v", microbatches: 1, rankOfStage: [0, 1, 1, 0], actions: rows.map { $0.map(action) })
        let times = try OrderTimes(schedule, Self.costs)
        // 0F0 0-3, to rank 1: 1F0 3.5-6.5, 2F0 6.5-9.5, back: 3F0 10-13, 3I0 13-17, 3W0 17-19; 2I0 17.5-21.5, 1I0
        // 21.5-25.5, 2W0 25.5-27.5, 1W0 27.5-29.5; 0I0 26-30, 0W0 30-32.
        #expect(times.start == [[0, 10, 13, 17, 26, 30], [3.5, 6.5, 17.5, 21.5, 25.5, 27.5]])
        #expect(times.makespan == 32)
        // Of one microbatch the longest chain is all there is.
        #expect(try MakespanBound(schedule, Self.costs).valueOfRank == [32, 32])
    }

    @Test("the bound of each rank is that of one machine with heads and tails, by hand") func boundByHand() throws {
        let bound = try MakespanBound(.gpipe(ranks: 2, microbatches: 2), Self.costs)
        // Rank 1: F from 3.5 with 12.5 behind, B from 6.5 with 6.5 behind: F0, F1, B0, B1 end at 21.5, and 6.5 follow. Rank 0: F
        // from 0, B from 13: B0 and B1 end at 25, and nothing follows.
        #expect(bound.valueOfRank == [25, 28] && bound.value == 28 && bound.rank == 1)
        let one = try MakespanBound(.oneFOneB(ranks: 1, microbatches: 3), Self.costs)
        #expect(one.value == 27 && one.rank == 0)
        // Of one microbatch it is the longest chain: 3 + .5 + 3 + 4 + .5 + 4 + 2, or with whole backwards 3 + .5 + 3 + 6 + .5 + 6.
        #expect(try MakespanBound(.zeroBubble(ranks: 2, microbatches: 1), Self.costs).value == 17)
        #expect(try MakespanBound(.gpipe(ranks: 2, microbatches: 1), Self.costs).value == 19)
    }

    @Test("the bound of forwards alone is that of forwards: three behind each other, and a hand-off") func evaluation()
        throws
    {
        let schedule = Schedule.gpipe(ranks: 3, microbatches: 4).forwardOnly()
        // Rank 0 has two forwards and hand-offs behind its last one, rank 2 as much before its first.
        #expect(try MakespanBound(schedule, Self.costs).valueOfRank == [19, 19, 19])
        #expect(try OrderTimes(schedule, Self.costs).makespan == 19)
    }

    @Test(
        "no order of a small schedule's actions beats the bound",
        arguments: [(3.0, 4.0, 2.0, 0.5), (1, 1, 1, 0), (2, 1, 5, 1), (1, 3, 0, 2)])
    func allOrders(forward: Double, input: Double, weight: Double, handOff: Double) throws {
        let costs = ChunkCosts(
            forward: forward, inputGradient: input, weightGradient: weight, handOff: handOff)
        for split in [false, true] {
            let kinds: [Action.Kind] = split ? [.forward, .backwardInput, .backwardWeights] : [.forward, .backward]
            let lists = (0..<2).map { stage in
                kinds.flatMap { kind in (0..<2).map { Action(kind, stage: stage, microbatch: $0) } }
            }
            var best = Double.infinity
            let all = lists.map { permutations($0).filter(Self.isOrdered) }
            for first in all[0] {
                for second in all[1] {
                    let schedule = Schedule(
                        name: "any", microbatches: 2, rankOfStage: [0, 1], actions: [first, second])
                    if let times = try? OrderTimes(schedule, costs) { best = min(best, times.makespan) }
                }
            }
            let schedule = Schedule(name: "any", microbatches: 2, rankOfStage: [0, 1], actions: lists)
            let bound = try MakespanBound(schedule, costs).value
            #expect(bound <= best + 1e-9 && best < .infinity, "\(split): \(bound), \(best)")
        }
    }

    /// Microbatches in order within each kind, and each microbatch's actions one after the other: others are no better.
    private static func isOrdered(_ list: [Action]) -> Bool {
        for (index, action) in list.enumerated() {
            for later in list[(index + 1)...] {
                if later.kind == action.kind && later.microbatch < action.microbatch { return false }
                if later.microbatch == action.microbatch && rank(later.kind) < rank(action.kind) { return false }
            }
        }
        return true
    }

    private static func rank(_ kind: Action.Kind) -> Int {
        switch kind {
        case .forward: 0
        case .backward, .backwardInput: 1
        case .backwardWeights: 2
        }
    }
}
