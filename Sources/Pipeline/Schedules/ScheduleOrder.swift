/// A schedule's actions with what each of them waits for.
struct ScheduleOrder {
    let schedule: Schedule
    private let known: Set<Action>

    init(_ schedule: Schedule) {
        self.schedule = schedule
        known = Set(schedule.actions.joined())
    }

    /// The finished actions that an action needs, besides its rank's earlier ones.
    func causes(of action: Action) -> [Action] {
        let (stage, microbatch) = (action.stage, action.microbatch)
        switch action.kind {
        case .forward:
            return stage == 0 ? [] : [Action(.forward, stage: stage - 1, microbatch: microbatch)]
        case .backward, .backwardInput:
            let forward = Action(.forward, stage: stage, microbatch: microbatch)
            return stage == schedule.stages - 1 ? [forward] : [forward, gradientSource(stage + 1, microbatch)]
        case .backwardWeights:
            return [Action(.backwardInput, stage: stage, microbatch: microbatch)]
        }
    }

    private func gradientSource(_ stage: Int, _ microbatch: Int) -> Action {
        let whole = Action(.backward, stage: stage, microbatch: microbatch)
        return known.contains(whole) ? whole : Action(.backwardInput, stage: stage, microbatch: microbatch)
    }

    /// Runs every rank's list as far as it goes, again and again, and calls `finish` as each action finishes.
    func run(
        activationSlots: [Int]?, gradientSlots: [Int]?, finish: (_ rank: Int, _ index: Int) -> Void
    ) throws(ScheduleError) {
        let last = schedule.stages - 1
        var done: Set<Action> = []
        var next = Array(repeating: 0, count: schedule.ranks)
        var activations = LinkFill(schedule, slots: activationSlots)
        var gradients = LinkFill(schedule, slots: gradientSlots)
        var remaining = schedule.actions.reduce(0) { $0 + $1.count }
        while remaining > 0 {
            let before = remaining
            for rank in 0..<schedule.ranks {
                while next[rank] < schedule.actions[rank].count {
                    let action = schedule.actions[rank][next[rank]]
                    guard causes(of: action).allSatisfy(done.contains) else { break }
                    guard activations.hasRoom(for: action, sends: action.kind == .forward, toward: last),
                        gradients.hasRoom(for: action, sends: action.kind.givesInputGradient, toward: 0)
                    else { break }
                    activations.take(action, sends: action.kind == .forward, toward: last, receiverOffset: -1)
                    gradients.take(action, sends: action.kind.givesInputGradient, toward: 0, receiverOffset: 1)
                    done.insert(action)
                    finish(rank, next[rank])
                    next[rank] += 1
                    remaining -= 1
                }
            }
            if remaining == before {
                throw .deadlock(waiting: zip(schedule.actions, next).compactMap { $1 < $0.count ? $0[$1] : nil })
            }
        }
    }
}

/// How full the links of one direction are while an order is run.
private struct LinkFill {
    private let schedule: Schedule
    private let slots: [Int]?
    private var taken: [Int]

    init(_ schedule: Schedule, slots: [Int]?) {
        self.schedule = schedule
        self.slots = slots
        taken = Array(repeating: 0, count: schedule.stages)
    }

    func hasRoom(for action: Action, sends: Bool, toward end: Int) -> Bool {
        guard let slots, sends, action.stage != end else { return true }
        return taken[action.stage] < slots[action.stage]
    }

    /// Takes a slot of the action's own outgoing link; gives back the incoming one when the microbatch ends here.
    mutating func take(_ action: Action, sends: Bool, toward end: Int, receiverOffset: Int) {
        if sends && action.stage != end { taken[action.stage] += 1 }
        let sender = action.stage + receiverOffset
        if schedule.ends(action) && taken.indices.contains(sender) && sender != end { taken[sender] -= 1 }
    }
}
