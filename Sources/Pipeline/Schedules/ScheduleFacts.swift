/// What a schedule that was found sound asks of the links between stages, and of memory, and what it promises.
///
/// Everything here follows from the order alone, for every possible timing: it is computed from which actions are known
/// to have finished before which (vector clocks over the ranks, Fidge/Mattern), not from a simulation of one run.
public struct ScheduleFacts: Equatable, Sendable {
    /// For stage s, the slots of the ring that carries activations from s to s + 1: the smallest number with which the
    /// sender never waits for room. The last stage's entry is 0.
    public let activationSlots: [Int]
    /// For stage s, the slots of the ring that carries gradients from s to s - 1. The first stage's entry is 0.
    public let gradientSlots: [Int]
    /// For stage s, which of its frames each microbatch works in.
    public let frames: [StageFrames]
    /// For rank r, the most (stage, microbatch) pairs in flight at once over all its stages.
    public let inFlightOfRank: [Int]
    /// Whether results are those of one stage to the bit.
    public let bits: BitsPromise

    /// For stage s, the most microbatches at once between the start of their forward and the end of their backward.
    public var stashFrames: [Int] { frames.map(\.stash.count) }
    /// For stage s, the most microbatches at once in their backward: from B's or I's start to B's or W's end.
    public var gradientFrames: [Int] { frames.map(\.gradient.count) }

    /// - Throws: `ScheduleError.deadlock`. The order has passed the validator's other checks.
    init(_ order: ScheduleOrder) throws(ScheduleError) {
        let schedule = order.schedule
        let stages = schedule.actionsOfStages
        let clocks = try KnownClocks(order)
        let last = schedule.stages - 1
        activationSlots = (0...last).map { stage in
            stage == last ? 0 : clocks.slots(sent: { $0.kind == .forward }, stages[stage], heldBy: stages[stage + 1])
        }
        gradientSlots = (0...last).map { stage in
            stage == 0 ? 0 : clocks.slots(sent: \.kind.givesInputGradient, stages[stage], heldBy: stages[stage - 1])
        }
        frames = stages.map { StageFrames($0.map(\.action), schedule) }
        inFlightOfRank = schedule.actions.map { schedule.inFlightMost($0) }
        bits = BitsPromise(stages.map { $0.map(\.action) })
    }
}

/// An action and its index in its rank's list.
struct IndexedAction {
    let index: Int
    let action: Action
}

extension Schedule {
    /// For each stage, its actions in its rank's order. Every action's stage is one of the schedule's.
    var actionsOfStages: [[IndexedAction]] {
        var stages = [[IndexedAction]](repeating: [], count: stages)
        for list in actions {
            for (index, action) in list.enumerated() {
                stages[action.stage].append(IndexedAction(index: index, action: action))
            }
        }
        return stages
    }

    /// The most microbatches of a rank between their forward and what ends them.
    fileprivate func inFlightMost(_ list: [Action]) -> Int {
        var (inFlight, most) = (0, 0)
        for action in list {
            if action.kind == .forward { inFlight += 1 }
            most = max(most, inFlight)
            if ends(action) { inFlight -= 1 }
        }
        return most
    }
}

/// For each action, how many actions of each rank are known to have finished once it has: vector clocks.
private struct KnownClocks {
    private let order: ScheduleOrder
    private var clocks: [Action: [Int]] = [:]

    init(_ order: ScheduleOrder) throws(ScheduleError) {
        self.order = order
        var clocks: [Action: [Int]] = [:]
        try order.run(activationSlots: nil, gradientSlots: nil) { rank, index in
            let action = order.schedule.actions[rank][index]
            var clock = Self.before(rank, index, order, clocks)
            clock[rank] = index + 1
            clocks[action] = clock
        }
        self.clocks = clocks
    }

    /// What a rank knows once the inputs of its action `index` are there: its own past and its inputs' past.
    private static func before(
        _ rank: Int, _ index: Int, _ order: ScheduleOrder, _ clocks: [Action: [Int]]
    ) -> [Int] {
        let list = order.schedule.actions[rank]
        var clock = index > 0 ? clocks[list[index - 1]]! : Array(repeating: 0, count: order.schedule.ranks)
        for cause in order.causes(of: list[index]) {
            for (other, count) in clocks[cause]!.enumerated() { clock[other] = max(clock[other], count) }
        }
        return clock
    }

    /// The most slots of a link that can be taken at once, from one stage to a neighbour.
    ///
    /// When the sender reserves its n-th slot, it has its own input already, and can count on having back those slots
    /// whose last user on the other side is known to have finished. Slots come back in order, so the oldest one still
    /// out decides.
    func slots(
        sent isSent: (Action) -> Bool, _ sending: [IndexedAction], heldBy receiving: [IndexedAction]
    ) -> Int {
        let schedule = order.schedule
        let sender = schedule.rankOfStage[sending[0].action.stage]
        let holder = schedule.rankOfStage[receiving[0].action.stage]
        var releaseIndex: [Int: Int] = [:]
        for indexed in receiving where schedule.ends(indexed.action) {
            releaseIndex[indexed.action.microbatch] = indexed.index
        }
        var peak = 0
        var oldest = 0
        var sent: [Int] = []
        for indexed in sending where isSent(indexed.action) {
            sent.append(indexed.action.microbatch)
            let known = Self.before(sender, indexed.index, order, clocks)
            while releaseIndex[sent[oldest]]! < known[holder] { oldest += 1 }
            peak = max(peak, sent.count - oldest)
        }
        return peak
    }
}
