// SPDX-License-Identifier: Apache-2.0

extension Schedule {
    /// Checks the schedule: sizes, every rank at work, each microbatch in one copy of the stages, every action of it there once and on
    /// its stage's rank (backwards everywhere or nowhere), dependencies met, the same microbatch order at both ends of each link,
    /// no deadlock.
    ///
    /// What it lets through runs. No values make it trap, however absurd.
    ///
    /// - Complexity: O(actions) where ranks are in a line, else O(actions x ranks); memory is O(actions), whatever numbers
    ///   the actions and sizes are.
    /// - Throws: `ScheduleError`, which names the first fault found.
    public func validated() throws(ScheduleError) -> ScheduleFacts {
        try validated(try completeOrder())
    }

    /// The same of an order that is known to be complete, which others then need not look for again.
    func validated(_ order: ScheduleOrder) throws(ScheduleError) -> ScheduleFacts {
        let stages = StageActions(self)
        try checkLinkOrder(stages)
        return try ScheduleFacts(order, stages)
    }

    /// Checks that the schedule cannot deadlock when the links have these capacities instead (both indexed by the
    /// sending stage, as in `ScheduleFacts`).
    public func checkDeadlock(activationSlots: [Int], gradientSlots: [Int]) throws(ScheduleError) {
        let order = try completeOrder()
        for (what, slots) in [("activation", activationSlots), ("gradient", gradientSlots)] where slots.count != stages
        {
            throw .size("\(slots.count) \(what) slots: one for each of the \(stages) stages is needed")
        }
        let links = LinkRoom(order, activationSlots: activationSlots, gradientSlots: gradientSlots)
        var run = OrderRun(order, links: links)
        while try run.next() != nil {}
    }

    /// Checks all but the order: each stage has a rank, each rank a stage, and each stage its actions.
    func completeOrder() throws(ScheduleError) -> ScheduleOrder {
        if let refusal { throw refusal }
        try checkSizes()
        return try ScheduleOrder(self)
    }

    private func checkSizes() throws(ScheduleError) {
        let counts = [("microbatches", microbatches), ("stages", stages), ("ranks", ranks), ("copies", copies)]
        for (what, count) in counts where count < 1 { throw .size("\(count) \(what): at least 1 is needed") }
        if stages % copies != 0 {
            throw .size("\(stages) stages are not \(copies) copies of as many stages each")
        }
        for (stage, rank) in rankOfStage.enumerated() where !(0..<ranks).contains(rank) {
            throw .unknownRank(rank, ofStage: stage, ranks: ranks)
        }
        if let idle = actions.firstIndex(where: \.isEmpty) { throw .idle(rank: idle) }
    }

    private func checkLinkOrder(_ stages: StageActions) throws(ScheduleError) {
        func order(_ stage: Int, _ isWanted: (Action) -> Bool) -> [Int32] {
            let list = actions[rankOfStage[stage]]
            return stages.indices(stage).compactMap { index in
                isWanted(list[Int(index)]) ? Int32(list[Int(index)].microbatch) : nil
            }
        }
        for stage in lowerEndsOfEdges {
            if order(stage, { $0.kind == .forward }) != order(stage + 1, { $0.kind == .forward }) {
                throw .linkOrder(from: stage, to: stage + 1)
            }
            if order(stage, \.kind.givesInputGradient) != order(stage + 1, \.kind.givesInputGradient) {
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
    /// An action at a stage of another copy than its microbatch's other actions, of which one is given.
    case twoCopies(Action, other: Action)
    /// A microbatch without any action, where there are several copies that it might go through.
    case noCopy(microbatch: Int)
    /// A copy of the stages without any action.
    case emptyCopy(Int)
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
        case .twoCopies(let action, let other):
            "microbatch \(action.microbatch) is at stages of two copies, with \(other) and \(action): each goes through one copy"
        case .noCopy(let microbatch): "microbatch \(microbatch) goes through no copy of the stages"
        case .emptyCopy(let copy): "no microbatch goes through copy \(copy) of the stages"
        case .linkOrder(let from, let to):
            "stage \(from) sends microbatches in another order than stage \(to) takes them"
        case .deadlock(let waiting):
            "deadlock: every rank waits, at \(waiting.map(\.description).joined(separator: ", "))"
        }
    }
}
