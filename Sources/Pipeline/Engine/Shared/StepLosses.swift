// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// The losses of the latest steps while a run goes on: written by the last stage's rank, the first copy's, after each step, read by the
/// supervisor now and then.
///
/// A ring of slots, each two words: the step's number + 1 and its loss, and when it ended. The first is 0 while a slot is
/// written, so that whoever finds it the same before and after has read one step's words. A step is overwritten when as many
/// more have ended as there are slots: who looks ten times a second misses none that takes 25 us.
package struct StepLosses: Sendable {
    package let slots: Int
    private let steps: Int
    private let segment: Segment

    private static func slots(_ steps: Int) -> Int { min(steps, 4096) }
    private static let wordBytes = SharedCounter.bytes

    /// For so many steps.
    static func bytes(steps: Int) -> Int { slots(steps) * 2 * wordBytes }

    /// In memory that is the caller's, since /dev/shm may be small.
    package init(steps: Int, _ transport: some Transport) throws(SegmentError) {
        self.steps = steps
        slots = Self.slots(steps)
        segment = try transport.resultMemory(bytes: Self.bytes(steps: steps))
    }

    /// A word of a step's slot.
    private func word(_ index: Int, of step: Int) -> SharedCounter {
        segment.counter(Region(offset: (step % slots * 2 + index) * Self.wordBytes, bytes: Self.wordBytes))
    }

    /// By the rank that tells the losses.
    /// - Parameter moment: on the common clock.
    package func record(_ loss: Float, ofStep step: Int, at moment: UInt64) {
        word(0, of: step).store(0)
        word(1, of: step).store(moment)
        word(0, of: step).store(Self.word(loss, ofStep: step))
    }

    /// What tells a step's loss to ranks that do not see this memory: a larger word is of a later step; none is 0.
    static func word(_ loss: Float, ofStep step: Int) -> UInt64 { UInt64(step + 1) << 32 | UInt64(loss.bitPattern) }

    /// Takes over such a word.
    func note(_ word: UInt64, at moment: UInt64) {
        if word == 0 { return }
        record(Float(bitPattern: UInt32(truncatingIfNeeded: word)), ofStep: Int(word >> 32) - 1, at: moment)
    }

    /// The first step that nobody can have overwritten while some rank is at this one; another may be a step further.
    func oldest(at step: Int) -> Int { max(0, min(step + 1, steps - 1) - slots + 1) }

    /// A step's loss and when it ended; nil when it has not ended yet, or is overwritten.
    package subscript(step: Int) -> (loss: Float, moment: UInt64)? {
        let first = word(0, of: step).value
        let moment = word(1, of: step).value
        guard first >> 32 == UInt64(step + 1), word(0, of: step).value == first else { return nil }
        return (Float(bitPattern: UInt32(truncatingIfNeeded: first)), moment)
    }
}
