/// What a schedule that was found sound asks of the links between stages, and of memory.
///
/// Everything here follows from the order alone, for every possible timing: it is computed from which actions are known
/// to have finished before which (vector clocks over the ranks, Fidge/Mattern), not from a simulation of one run.
public struct ScheduleFacts: Equatable, Sendable {
    /// For stage s, the slots of the ring that carries activations from s to s + 1: the smallest number with which the
    /// sender never waits for room. The last stage's entry is 0.
    public let activationSlots: [Int]
    /// For stage s, the slots of the ring that carries gradients from s to s - 1. The first stage's entry is 0.
    public let gradientSlots: [Int]
    /// For stage s, the most microbatches at once between the start of their forward and the end of their backward.
    public let stashFrames: [Int]
    /// For stage s, the most microbatches at once between their I and their W; 0 when the stage only has whole Bs.
    public let gradientFrames: [Int]
    /// For rank r, the most (stage, microbatch) pairs in flight at once over all its stages.
    public let inFlightOfRank: [Int]

    /// - Throws: `ScheduleError.deadlock`. The order has passed the validator's other checks.
    init(_ order: ScheduleOrder) throws(ScheduleError) {
        let schedule = order.schedule
        let clocks = try KnownClocks(order)
        let last = schedule.stages - 1
        activationSlots = (0...last).map { stage in
            stage == last ? 0 : clocks.slots(sent: { $0.kind == .forward }, from: stage, heldBy: stage + 1)
        }
        gradientSlots = (0...last).map { stage in
            stage == 0 ? 0 : clocks.slots(sent: \.kind.givesInputGradient, from: stage, heldBy: stage - 1)
        }
        stashFrames = (0...last).map { stage in
            schedule.peak(schedule.rankOfStage[stage], opens: { $0.stage == stage && $0.kind == .forward })
        }
        gradientFrames = (0...last).map { stage in
            schedule.peak(schedule.rankOfStage[stage], opens: { $0.stage == stage && $0.kind == .backwardInput })
        }
        inFlightOfRank = (0..<schedule.ranks).map { rank in schedule.peak(rank, opens: { $0.kind == .forward }) }
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

    /// The most slots of a link that can be taken at once.
    ///
    /// When the sender reserves its n-th slot, it has its own input already, and can count on having back those slots
    /// whose last user on the other side is known to have finished. Slots come back in order, so the oldest one still
    /// out decides.
    func slots(sent isSent: (Action) -> Bool, from stage: Int, heldBy receiver: Int) -> Int {
        let schedule = order.schedule
        let (sender, holder) = (schedule.rankOfStage[stage], schedule.rankOfStage[receiver])
        var releaseIndex: [Int: Int] = [:]
        for (index, action) in schedule.actions[holder].enumerated()
        where action.stage == receiver && schedule.ends(action) {
            releaseIndex[action.microbatch] = index
        }
        var peak = 0
        var oldest = 0
        var sent: [Int] = []
        for (index, action) in schedule.actions[sender].enumerated() where action.stage == stage && isSent(action) {
            sent.append(action.microbatch)
            let known = Self.before(sender, index, order, clocks)
            while releaseIndex[sent[oldest]]! < known[holder] { oldest += 1 }
            peak = max(peak, sent.count - oldest)
        }
        return peak
    }
}

extension Schedule {
    /// The most microbatches of a rank between an action that `opens` and the one that ends them.
    fileprivate func peak(_ rank: Int, opens: (Action) -> Bool) -> Int {
        var open: Set<[Int]> = []
        var peak = 0
        for action in actions[rank] {
            let key = [action.stage, action.microbatch]
            if opens(action) {
                open.insert(key)
                peak = max(peak, open.count)
            }
            if ends(action) { open.remove(key) }
        }
        return peak
    }
}
