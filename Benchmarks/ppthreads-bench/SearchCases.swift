// SPDX-License-Identifier: Apache-2.0

import Glibc
import Pipeline

/// Problems for searches, drawn at random: up to eight ranks with one or two stages each, uneven ones as a rule.
struct SearchCases {
    /// What ranks may hold, all of them the same.
    enum Memory: Int, CaseIterable {
        /// As V-Min's largest rank on its placement, else half of the usual order's.
        case tight
        /// Halfway from there to the usual order's.
        case middle
        /// As the largest rank of 1F1B, Interleaved-1F1B or ZB-V.
        case usual
        case unlimited
    }

    struct Case {
        let name: String
        let memory: Memory
        let isEven: Bool
        let problem: OrderProblem
    }

    private var draws: Draws
    private var next: UInt64 = 0

    private init() { draws = Draws("search") }

    /// The first so many, the same at every run.
    static func drawn(_ count: Int) throws(ScheduleError) -> [Case] {
        var cases = SearchCases()
        var list: [Case] = []
        for number in 0..<count { list.append(try cases.draw(number)) }
        return list
    }

    private mutating func unit() -> Double {
        next += 1
        return draws.unit(at: next)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(unit() * Double(range.count))
    }

    /// From half to twice, the logarithm evenly.
    private mutating func factor() -> Double { 0.5 * pow(4, unit()) }

    private mutating func draw(_ number: Int) throws(ScheduleError) -> Case {
        let ranks = self.number(2...8)
        let microbatches = self.number(ranks...4 * ranks)
        let shape = number / 4 % 4
        let (stages, isV) = (shape < 2 ? ranks : 2 * ranks, shape == 2)
        let rankOfStage =
            isV ? Schedule.vPlacement(ranks: ranks) : Schedule.loopPlacement(ranks: ranks, stages: stages)
        let (isEven, handOff) = (number % 5 == 4, unit() * 0.3)
        let hasShortWhole = self.number(0...2) == 0
        let costs = OrderCosts(
            (0..<stages).map { _ in
                var stage = ChunkCosts(handOff: handOff)
                if !isEven {
                    (stage.forward, stage.inputGradient, stage.weightGradient) = (factor(), factor(), factor())
                }
                if hasShortWhole { stage.wholeBackward = 0.92 * (stage.inputGradient + stage.weightGradient) }
                return stage
            })
        let frames = (0..<stages).map { _ in isEven ? 1000 : Int(1000 * factor()) }
        let gradients = (0..<stages).map { _ in isEven ? 400 : Int(400 * factor()) }
        let memory = Memory.allCases[number % 4]
        let limit = try Self.limit(memory, rankOfStage, ranks, microbatches, frames, gradients)
        let problem = OrderProblem(
            microbatches: microbatches, rankOfStage: rankOfStage, costs: costs,
            memory: limit.map {
                OrderMemory(
                    frameBytes: frames, gradientBytes: gradients,
                    limitOfRank: Array(repeating: $0, count: ranks))
            })
        let placement = stages == ranks ? "v=1 " : isV ? "V   " : "loop"
        return Case(
            name: "P=\(ranks) \(placement) M=\(microbatches) \(isEven ? "even" : "uneven") \(memory)",
            memory: memory, isEven: isEven, problem: problem)
    }

    private static func limit(
        _ memory: Memory, _ rankOfStage: [Int], _ ranks: Int, _ microbatches: Int, _ frames: [Int],
        _ gradients: [Int]
    ) throws(ScheduleError) -> Int? {
        if memory == .unlimited { return nil }
        let all = OrderMemory(
            frameBytes: frames, gradientBytes: gradients, limitOfRank: Array(repeating: .max, count: ranks))
        func largest(_ kind: ScheduleKind) throws(ScheduleError) -> Int {
            let schedule = kind.make(ranks: ranks, microbatches: microbatches)
            return all.bytesOfRank(schedule, try schedule.validated()).max() ?? 0
        }
        let isOne = rankOfStage.count == ranks
        let isV = rankOfStage == Schedule.vPlacement(ranks: ranks)
        let usual = try largest(isOne ? .oneFOneB : isV ? .zeroBubbleV : .interleaved)
        let least =
            zip(frames, gradients).enumerated().reduce(into: [Int](repeating: 0, count: ranks)) {
                $0[rankOfStage[$1.offset]] += $1.element.0 + $1.element.1
            }.max() ?? 0
        let tight = max(least, isV ? try largest(.vMin) : usual / 2)
        return memory == .tight ? tight : memory == .middle ? (tight + usual) / 2 : usual
    }
}
