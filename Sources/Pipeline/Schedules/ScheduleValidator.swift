extension Schedule {
    /// Checks the schedule: every action once and on its stage's rank (backwards everywhere or nowhere), dependencies met,
    /// the same microbatch order at both ends of each link, no deadlock.
    ///
    /// - Complexity: O(actions x ranks).
    /// - Throws: `ScheduleError`, which names the first fault found.
    public func validated() throws(ScheduleError) -> ScheduleFacts {
        try checkPlaces()
        try checkEachActionOnce()
        try checkLinkOrder()
        return try ScheduleFacts(ScheduleOrder(self))
    }

    /// Checks that the schedule cannot deadlock when the links have these capacities instead (both indexed by the
    /// sending stage, as in `ScheduleFacts`).
    public func checkDeadlock(activationSlots: [Int], gradientSlots: [Int]) throws(ScheduleError) {
        try ScheduleOrder(self).run(activationSlots: activationSlots, gradientSlots: gradientSlots) { _, _ in }
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

    private func checkEachActionOnce() throws(ScheduleError) {
        let counts = Dictionary(actions.joined().map { ($0, 1) }, uniquingKeysWith: +)
        if let repeated = counts.first(where: { $0.value > 1 })?.key { throw .repeated(repeated) }
        for stage in 0..<stages {
            for microbatch in 0..<microbatches {
                func has(_ kind: Action.Kind) -> Bool {
                    counts[Action(kind, stage: stage, microbatch: microbatch)] != nil
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
        for stage in 0..<stages - 1 {
            let up = rankOfStage[stage]
            let down = rankOfStage[stage + 1]
            let sent = order(up, { $0.stage == stage && $0.kind == .forward })
            let taken = order(down, { $0.stage == stage + 1 && $0.kind == .forward })
            if sent != taken { throw .linkOrder(from: stage, to: stage + 1) }
            let sentBack = order(down, { $0.stage == stage + 1 && $0.kind.givesInputGradient })
            let takenBack = order(up, { $0.stage == stage && $0.kind.givesInputGradient })
            if sentBack != takenBack { throw .linkOrder(from: stage + 1, to: stage) }
        }
    }

    private func order(_ rank: Int, _ isWanted: (Action) -> Bool) -> [Int] {
        actions[rank].filter(isWanted).map(\.microbatch)
    }
}

/// Why a schedule cannot be run.
public enum ScheduleError: Error, Equatable, CustomStringConvertible {
    case misplaced(Action, rank: Int)
    case repeated(Action)
    case missing(Action)
    case linkOrder(from: Int, to: Int)
    case deadlock(waiting: [Action])

    public var description: String {
        switch self {
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
