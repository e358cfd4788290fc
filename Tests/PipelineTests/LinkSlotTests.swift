// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// The slots of each link, beside what vector clocks say: of every action, how much of every rank has finished for sure when it
/// starts. The facts follow one rank at a time, and look within blocks of ranks alone.
struct LinkSlotTests {
    @Test("slots are the fewest with which no sender waits, of every order that can be made by name", arguments: 1...5)
    func named(ranks: Int) throws {
        for kind in ScheduleKind.allCases {
            for virtualStages in 1...3 where kind.allows(virtualStages: virtualStages) {
                for microbatches in [1, 3, 4, 10, 13] {
                    let schedule = kind.make(ranks: ranks, virtualStages: virtualStages, microbatches: microbatches)
                    guard !schedule.actions.isEmpty else { continue }
                    try check(schedule, "\(kind.title) P=\(ranks) v=\(virtualStages) M=\(microbatches)")
                    try check(schedule.forwardOnly(), "forwards of \(kind.title) P=\(ranks) M=\(microbatches)")
                    if ranks < 4 {
                        try check(schedule.replicated(2), "\(kind.title) P=\(ranks) M=\(microbatches) twice")
                    }
                }
            }
        }
    }

    @Test("and of random orders, placements and splits, in which ranks form all kinds of loops", arguments: 0..<4)
    func random(part: Int) throws {
        for seed in 0..<200 {
            var space = ScheduleSpace(seed: UInt64(10_000 * (part + 1) + seed))
            let schedule = space.sound()
            try check(schedule, "\(schedule.rankOfStage) \(schedule.actions)")
        }
    }

    @Test("and of random orders with several copies of the stages on the same ranks", arguments: 2...3)
    func copies(copies: Int) throws {
        for seed in 0..<200 {
            var space = ScheduleSpace(seed: UInt64(50_000 * copies + seed))
            let schedule = space.sound(copies: copies)
            try check(schedule, "\(schedule.rankOfStage) \(schedule.actions)")
        }
    }

    @Test("of Interleaved on a loop of three ranks each link has its own number") func loop() throws {
        let facts = try Schedule.interleaved(ranks: 3, virtualStages: 2, microbatches: 6).validated()
        #expect(facts.activationSlots == [6, 6, 4, 3, 3, 0] && facts.gradientSlots == [0, 3, 3, 3, 3, 3])
    }

    private func check(_ schedule: Schedule, _ name: String) throws {
        let facts = try schedule.validated()
        let slots = Slots(schedule)
        #expect(facts.activationSlots == slots.activations, "\(name)")
        #expect(facts.gradientSlots == slots.gradients, "\(name)")
    }
}

/// By the book: a vector clock for each action.
private struct Slots {
    private(set) var activations, gradients: [Int]

    private struct Place: Hashable {
        let stage, microbatch: Int
    }

    init(_ schedule: Schedule) {
        activations = schedule.rankOfStage.map { _ in 0 }
        gradients = activations
        var (forwards, inputs, ends) = ([Place: Int](), [Place: Int](), [Place: Int]())
        for (index, action) in schedule.actions.flatMap({ $0.enumerated() }) {
            let place = Place(stage: action.stage, microbatch: action.microbatch)
            if action.kind == .forward { forwards[place] = index }
            if action.kind.givesInputGradient { inputs[place] = index }
            if action.kind.endsMicrobatch || schedule.isForwardOnly { ends[place] = index }
        }
        let clocks = Self.clocks(schedule, forwards, inputs)
        for (stage, rank) in schedule.rankOfStage.enumerated() {
            for (receiver, isForward) in [(stage + 1, true), (stage - 1, false)] {
                guard Self.areNeighbours(stage, receiver, schedule) else { continue }
                let holder = schedule.rankOfStage[receiver]
                var (sent, oldest, most) = ([Int](), 0, 0)
                for (index, action) in schedule.actions[rank].enumerated() where action.stage == stage {
                    guard isForward ? action.kind == .forward : action.kind.givesInputGradient else { continue }
                    sent.append(ends[Place(stage: receiver, microbatch: action.microbatch)]!)
                    while sent[oldest] < clocks[rank][index][holder] { oldest += 1 }
                    most = max(most, sent.count - oldest)
                }
                if isForward { activations[stage] = most } else { gradients[stage] = most }
            }
        }
    }

    private static func areNeighbours(_ stage: Int, _ other: Int, _ schedule: Schedule) -> Bool {
        let stages = schedule.stages / schedule.copies
        return schedule.rankOfStage.indices.contains(other) && stage / stages == other / stages
    }

    /// For each rank and action, how many actions of each rank have finished when it starts.
    private static func clocks(
        _ schedule: Schedule, _ forwards: [Place: Int], _ inputs: [Place: Int]
    ) -> [[[Int]]] {
        var clocks: [[[Int]]] = schedule.actions.map { _ in [] }
        var moved = true
        while moved {
            moved = false
            for (rank, list) in schedule.actions.enumerated() {
                while clocks[rank].count < list.count {
                    let action = list[clocks[rank].count]
                    let stage = action.kind == .forward ? action.stage - 1 : action.stage + 1
                    var clock = clocks[rank].last ?? schedule.actions.map { _ in 0 }
                    if action.kind != .backwardWeights, areNeighbours(action.stage, stage, schedule) {
                        let sender = schedule.rankOfStage[stage]
                        let place = Place(stage: stage, microbatch: action.microbatch)
                        let index = (action.kind == .forward ? forwards : inputs)[place]!
                        if index >= clocks[sender].count { break }
                        clock = zip(clock, clocks[sender][index]).map { max($0, $1) }
                        clock[sender] = max(clock[sender], index + 1)
                    }
                    clock[rank] = clocks[rank].count
                    clocks[rank].append(clock)
                    moved = true
                }
            }
        }
        return clocks
    }
}
