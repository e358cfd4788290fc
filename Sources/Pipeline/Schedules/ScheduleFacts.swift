// SPDX-License-Identifier: Apache-2.0

/// What a schedule that was found sound asks of the links between stages, and of memory, and what it promises.
///
/// Everything here follows from the order alone, for every possible timing: it is computed from which actions are known
/// to have finished before which (`LinkPeaks`), not from a simulation of one run.
public struct ScheduleFacts: Equatable, Sendable {
    /// For stage s, the slots of the ring that carries activations from s to s + 1: the smallest number with which the
    /// sender never waits for room. 0 for the last stage, of each copy.
    public let activationSlots: [Int]
    /// For stage s, the slots of the ring that carries gradients from s to s - 1. 0 for the first stage, of each copy.
    public let gradientSlots: [Int]
    /// For stage s, which of its frames each microbatch works in.
    public let frames: [StageFrames]
    /// For microbatch m, the copy of the stages that it goes through.
    public let copyOfMicrobatch: [Int]
    /// For rank r, the most (stage, microbatch) pairs in flight at once over all its stages.
    public let inFlightOfRank: [Int]
    /// Whether results are those of one stage to the bit.
    public let bits: BitsPromise

    /// For stage s, the most microbatches at once between the start of their forward and the end of their backward.
    public var stashFrames: [Int] { frames.map(\.stash.count) }
    /// For stage s, the most microbatches at once in their backward: from B's or I's start to B's or W's end.
    public var gradientFrames: [Int] { frames.map(\.gradient.count) }

    /// - Throws: `ScheduleError.deadlock`. The order has passed the validator's other checks.
    init(_ order: ScheduleOrder, _ stages: StageActions) throws(ScheduleError) {
        let schedule = order.schedule
        (activationSlots, gradientSlots) = try LinkPeaks.slots(order, stages)
        let copyOfMicrobatch = order.table.copies.copyOfMicrobatch
        let microbatches = CopyMicrobatches.ofCopies(schedule.copies, copyOfMicrobatch)
        var indexInCopy = copyOfMicrobatch
        for list in microbatches {
            for (index, microbatch) in list.list.enumerated() { indexInCopy[microbatch] = index }
        }
        frames = schedule.rankOfStage.enumerated().map { stage, rank in
            StageFrames(
                stages.indices(stage), of: schedule.actions[rank], schedule,
                microbatches[schedule.copy(ofStage: stage)], indexInCopy: indexInCopy)
        }
        self.copyOfMicrobatch = copyOfMicrobatch
        inFlightOfRank = schedule.actions.map { schedule.inFlightMost($0) }
        bits = BitsPromise(schedule, stages)
    }
}

extension Schedule {
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
