// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Orders that no generator would think of: sound ones, and ones with a fault or two.
struct ScheduleSpace {
    private var state: UInt64

    /// The same seed gives the same orders.
    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

    /// SplitMix64.
    mutating func number(below bound: Int) -> Int {
        state = state &+ 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }

    private mutating func shuffled<Element>(_ list: [Element]) -> [Element] {
        var list = list
        for index in list.indices.dropFirst() { list.swapAt(index, number(below: index + 1)) }
        return list
    }

    /// Any placement that leaves no rank idle: V, loops, several stages in a row, ranks far from their neighbours.
    mutating func placement() -> [Int] {
        let stages = 1 + number(below: 6)
        let ranks = 1 + number(below: min(stages, 4))
        return shuffled((0..<stages).map { $0 < ranks ? $0 : number(below: ranks) })
    }

    private mutating func order(_ microbatches: Int) -> [Int] {
        let ascending = Array(0..<microbatches)
        switch number(below: 4) {
        case 0: return shuffled(ascending)
        case 1: return ascending.reversed()
        default: return ascending
        }
    }

    /// A sound order: one of the ways in which all actions can be done one after the other, dealt out to the ranks.
    ///
    /// - Parameter copies: of the stages, each on the same ranks and with a microbatch at least.
    mutating func sound(copies: Int = 1) -> Schedule {
        let first = placement()
        let rankOfStage = first + (1..<copies).flatMap { _ in shuffled(first) }
        let microbatches = copies + number(below: 4)
        let copyOfMicrobatch =
            copies == 1 ? [] : shuffled((0..<microbatches).map { $0 < copies ? $0 : number(below: copies) })
        func isHere(_ stage: Int, _ microbatch: Int) -> Bool {
            copies == 1 || copyOfMicrobatch[microbatch] == stage / first.count
        }
        let (forwards, backwards) = (order(microbatches), order(microbatches))
        // Of ten backwards, so many come apart.
        let apart = [0, 10, 5][number(below: 3)]
        var waiting: [Action: [Action]] = [:]
        for (stage, _) in rankOfStage.enumerated() {
            for microbatch in 0..<microbatches where isHere(stage, microbatch) {
                let splits = number(below: 10) < apart
                let backward: [Action.Kind] = splits ? [.backwardInput, .backwardWeights] : [.backward]
                for kind in [.forward] + backward { waiting[Action(kind, stage: stage, microbatch: microbatch)] = [] }
            }
        }
        func gradient(_ stage: Int, _ microbatch: Int) -> Action {
            let whole = Action(.backward, stage: stage, microbatch: microbatch)
            return waiting[whole] != nil ? whole : Action(.backwardInput, stage: stage, microbatch: microbatch)
        }
        for action in waiting.keys {
            let (stage, microbatch) = (action.stage, action.microbatch)
            func before(in order: [Int]) -> Int? {
                let order = order.filter { isHere(stage, $0) }
                let index = order.firstIndex(of: microbatch)!
                return index > 0 ? order[index - 1] : nil
            }
            var causes: [Action] = []
            switch action.kind {
            case .forward:
                if stage % first.count > 0 { causes.append(Action(.forward, stage: stage - 1, microbatch: microbatch)) }
                if let other = before(in: forwards) {
                    causes.append(Action(.forward, stage: stage, microbatch: other))
                }
            case .backward, .backwardInput:
                causes.append(Action(.forward, stage: stage, microbatch: microbatch))
                if (stage + 1) % first.count > 0 { causes.append(gradient(stage + 1, microbatch)) }
                if let other = before(in: backwards) { causes.append(gradient(stage, other)) }
            case .backwardWeights: causes.append(Action(.backwardInput, stage: stage, microbatch: microbatch))
            }
            waiting[action] = causes
        }
        var actions = Array(repeating: [Action](), count: rankOfStage.max()! + 1)
        var done: Set<Action> = []
        while done.count < waiting.count {
            let ready = waiting.filter { !done.contains($0.key) && $0.value.allSatisfy(done.contains) }.keys
                .sorted { $0.description < $1.description }
            let next = ready[number(below: ready.count)]
            done.insert(next)
            actions[rankOfStage[next.stage]].append(next)
        }
        return Schedule(
            name: "random", microbatches: microbatches, rankOfStage: rankOfStage, copies: copies, actions: actions)
    }

    /// A sound order with one thing changed; most often it is none any more.
    mutating func changed() -> Schedule {
        let schedule = sound()
        var actions = schedule.actions
        let rank = number(below: actions.count)
        let (first, second) = (number(below: actions[rank].count), number(below: actions[rank].count))
        switch number(below: 5) {
        case 0: actions[rank].swapAt(first, second)
        case 1: actions[rank].insert(actions[rank].remove(at: first), at: second)
        case 2: actions[rank].remove(at: first)
        case 3: actions[rank].insert(actions[rank][first], at: second)
        default: actions[number(below: actions.count)].append(actions[rank].remove(at: first))
        }
        return Schedule(
            name: "changed", microbatches: schedule.microbatches, rankOfStage: schedule.rankOfStage, actions: actions)
    }
}

/// All orders of some things.
func permutations<Element>(_ list: [Element]) -> [[Element]] {
    if list.isEmpty { return [[]] }
    return list.indices.flatMap { index -> [[Element]] in
        var rest = list
        let first = rest.remove(at: index)
        return permutations(rest).map { [first] + $0 }
    }
}
