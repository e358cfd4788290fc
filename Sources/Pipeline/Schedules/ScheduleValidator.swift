extension Schedule {
    /// Checks the schedule: sizes, every rank at work, every action once and on its stage's rank (backwards everywhere or
    /// nowhere), dependencies met, the same microbatch order at both ends of each link, no deadlock.
    ///
    /// What it lets through runs. No values make it trap, however absurd.
    ///
    /// - Complexity: O(actions x ranks), whatever numbers the actions and sizes are.
    /// - Throws: `ScheduleError`, which names the first fault found.
    public func validated() throws(ScheduleError) -> ScheduleFacts {
        try checkComplete()
        try checkLinkOrder()
        return try ScheduleFacts(ScheduleOrder(self))
    }

    /// Checks that the schedule cannot deadlock when the links have these capacities instead (both indexed by the
    /// sending stage, as in `ScheduleFacts`).
    public func checkDeadlock(activationSlots: [Int], gradientSlots: [Int]) throws(ScheduleError) {
        try checkComplete()
        for (what, slots) in [("activation", activationSlots), ("gradient", gradientSlots)] where slots.count != stages
        {
            throw .size("\(slots.count) \(what) slots: one for each of the \(stages) stages is needed")
        }
        try ScheduleOrder(self).run(activationSlots: activationSlots, gradientSlots: gradientSlots) { _, _ in }
    }

    /// Checks all but the order: afterwards each stage has a rank, each rank a stage, and each stage its actions.
    func checkComplete() throws(ScheduleError) {
        if let refusal { throw refusal }
        try checkSizes()
        try checkPlaces()
        try checkEachActionOnce()
    }

    private func checkSizes() throws(ScheduleError) {
        for (what, count) in [("microbatches", microbatches), ("stages", stages), ("ranks", ranks)] where count < 1 {
            throw .size("\(count) \(what): at least 1 is needed")
        }
        for (stage, rank) in rankOfStage.enumerated() where !(0..<ranks).contains(rank) {
            throw .unknownRank(rank, ofStage: stage, ranks: ranks)
        }
        if let idle = actions.firstIndex(where: \.isEmpty) { throw .idle(rank: idle) }
    }

    private func checkPlaces() throws(ScheduleError) {
        for (rank, list) in actions.enumerated() {
            for action in list {
                let isKnown =
                    (0..<stages).contains(action.stage) && (0..<microbatches).contains(action.microbatch)
                if !isKnown || rankOfStage[action.stage] != rank { throw .misplaced(action, rank: rank) }
            }
        }
    }

    // However many stages and microbatches there are said to be, the first one without an action is soon found.
    private func checkEachActionOnce() throws(ScheduleError) {
        var known: Set<Action> = []
        for action in actions.joined() where !known.insert(action).inserted { throw .repeated(action) }
        for stage in 0..<stages {
            for microbatch in 0..<microbatches {
                func has(_ kind: Action.Kind) -> Bool {
                    known.contains(Action(kind, stage: stage, microbatch: microbatch))
                }
                if !has(.forward) { throw .missing(Action(.forward, stage: stage, microbatch: microbatch)) }
                if isForwardOnly { continue }
                let splits = has(.backwardInput) || has(.backwardWeights)
                if has(.backward) && splits {
                    throw .repeated(Action(.backward, stage: stage, microbatch: microbatch))
                }
                for kind in splits ? [.backwardInput, .backwardWeights] : [Action.Kind.backward] where !has(kind) {
                    throw .missing(Action(kind, stage: stage, microbatch: microbatch))
                }
            }
        }
    }

    private func checkLinkOrder() throws(ScheduleError) {
        let stages = actionsOfStages.map { $0.map(\.action) }
        func order(_ stage: Int, _ isWanted: (Action) -> Bool) -> [Int] {
            stages[stage].filter(isWanted).map(\.microbatch)
        }
        for stage in stages.indices.dropLast() {
            if order(stage, { $0.kind == .forward }) != order(stage + 1, { $0.kind == .forward }) {
                throw .linkOrder(from: stage, to: stage + 1)
            }
            if order(stage + 1, \.kind.givesInputGradient) != order(stage, \.kind.givesInputGradient) {
                throw .linkOrder(from: stage + 1, to: stage)
            }
        }
    }
}

/// Why a schedule cannot be run.
public enum ScheduleError: Error, Equatable, CustomStringConvertible {
    /// Numbers that make no schedule; the sentence says which, and what is allowed.
    case size(String)
    case unknownRank(Int, ofStage: Int, ranks: Int)
    case idle(rank: Int)
    case misplaced(Action, rank: Int)
    case repeated(Action)
    case missing(Action)
    case linkOrder(from: Int, to: Int)
    case deadlock(waiting: [Action])

    public var description: String {
        switch self {
        case .size(let sentence): sentence
        case .unknownRank(let rank, let stage, let ranks):
            "stage \(stage) is put on rank \(rank); there are ranks 0 to \(ranks - 1)"
        case .idle(let rank): "rank \(rank) has no action"
        case .misplaced(let action, let rank): "action \(action) does not belong on rank \(rank)"
        case .repeated(let action): "action \(action) stands more than once"
        case .missing(let action): "action \(action) is missing"
        case .linkOrder(let from, let to):
            "stage \(from) sends microbatches in another order than stage \(to) takes them"
        case .deadlock(let waiting):
            "deadlock: every rank waits, at \(waiting.map(\.description).joined(separator: ", "))"
        }
    }
}
