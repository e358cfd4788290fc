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
    ///   - microbatches: those of the stage's copy.
    ///   - indexInCopy: for each microbatch, its index among those of its copy.
    init(
        _ indices: ArraySlice<Int32>, of actions: [Action], _ schedule: Schedule, _ microbatches: CopyMicrobatches,
        indexInCopy: [Int]
    ) {
        var kept = FrameAssigner(microbatches)
        var gradients = FrameAssigner(microbatches)
        var alone = FrameAssigner(microbatches)
        var again = FrameAssigner(microbatches)
        var splits = false
        for index in indices {
            let action = actions[Int(index)]
            if action.kind == .backwardInput { splits = true }
            let microbatch = indexInCopy[action.microbatch]
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

/// A frame for each microbatch of a stage's copy.
public struct FrameAssignment: Equatable, Sendable {
    /// Of the microbatches in their order.
    fileprivate let frames: [Int]
    fileprivate let microbatches: CopyMicrobatches
    /// How many frames it takes.
    public let count: Int

    /// For each microbatch, its frame, counted from 0; 0 also for one that takes none, or goes through another copy.
    ///
    /// - Complexity: O(microbatches of all copies) where there are several.
    public var frameOfMicrobatch: [Int] {
        if frames.count == microbatches.total { return frames }
        var all = [Int](repeating: 0, count: microbatches.total)
        for (microbatch, frame) in zip(microbatches.list, frames) { all[microbatch] = frame }
        return all
    }
}

/// Gives frames out and takes them back; microbatches are told by their index in their copy.
private struct FrameAssigner {
    private let microbatches: CopyMicrobatches
    private var frames: [Int]
    private var count = 0
    private var unused: [Int] = []

    init(_ microbatches: CopyMicrobatches) {
        self.microbatches = microbatches
        frames = Array(repeating: 0, count: microbatches.list.count)
    }

    var assignment: FrameAssignment { FrameAssignment(frames: frames, microbatches: microbatches, count: count) }

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
