// SPDX-License-Identifier: Apache-2.0

/// Which of a stage's frames each microbatch works in: what the memory of a rank is laid out by, and how large it gets.
///
/// A frame is taken when an action needs it and free again after the microbatch's last one; of the free ones, the one that
/// was used last is taken, which the caches still hold.
public struct StageFrames: Equatable, Sendable {
    /// What a forward keeps for its backward: from F to B or W.
    public let stash: FrameAssignment
    /// What a backward keeps for the weights' gradients: from I to W, or within one B.
    public let gradient: FrameAssignment
    /// The stash of runs that do forwards again: within one F, since nothing is kept for the backward.
    public let forwardAlone: FrameAssignment
    /// The stash of such runs when they do the forward again: from I to W or within one B. Of the same frames as
    /// `forwardAlone`.
    public let recomputed: FrameAssignment
    /// Whether some microbatch's backward comes apart into I and W.
    public let splitsBackward: Bool

    /// Frames of a run's stash.
    func stashCount(recomputes: Bool) -> Int {
        recomputes ? max(forwardAlone.count, recomputed.count) : stash.count
    }

    /// - Parameters:
    ///   - indices: of one stage's actions in its rank's list, ascending.
    ///   - actions: that list, of a sound schedule.
    init(_ indices: ArraySlice<Int32>, of actions: [Action], _ schedule: Schedule) {
        var kept = FrameAssigner(schedule.microbatches)
        var gradients = FrameAssigner(schedule.microbatches)
        var alone = FrameAssigner(schedule.microbatches)
        var again = FrameAssigner(schedule.microbatches)
        var splits = false
        for index in indices {
            let action = actions[Int(index)]
            if action.kind == .backwardInput { splits = true }
            let microbatch = action.microbatch
            if action.kind == .forward {
                kept.take(for: microbatch)
                alone.takeForOne(microbatch, besides: again)
            }
            if action.kind.givesInputGradient {
                gradients.take(for: microbatch)
                again.take(for: microbatch)
            }
            if schedule.ends(action) { kept.free(microbatch) }
            if action.kind.endsMicrobatch {
                gradients.free(microbatch)
                again.free(microbatch)
            }
        }
        stash = kept.assignment
        gradient = gradients.assignment
        forwardAlone = alone.assignment
        recomputed = again.assignment
        splitsBackward = splits
    }
}

/// A frame for each microbatch.
public struct FrameAssignment: Equatable, Sendable {
    /// For each microbatch, its frame, counted from 0; 0 also for one that takes none.
    public let frameOfMicrobatch: [Int]
    /// How many frames it takes.
    public let count: Int
}

/// Gives frames out and takes them back.
private struct FrameAssigner {
    private var frames: [Int]
    private var count = 0
    private var unused: [Int] = []

    init(_ microbatches: Int) { frames = Array(repeating: 0, count: microbatches) }

    var assignment: FrameAssignment { FrameAssignment(frameOfMicrobatch: frames, count: count) }

    mutating func take(for microbatch: Int) {
        frames[microbatch] = next
        if unused.popLast() == nil { count += 1 }
    }

    mutating func free(_ microbatch: Int) { unused.append(frames[microbatch]) }

    /// Takes a frame that is free among another's, for the length of one action.
    mutating func takeForOne(_ microbatch: Int, besides other: FrameAssigner) {
        frames[microbatch] = other.next
        count = max(count, other.next + 1)
    }

    private var next: Int { unused.last ?? count }
}
