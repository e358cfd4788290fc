// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// What the ranks of a run and their supervisor share besides the rings.
///
///     line 0: abort flag    1: suspension flag    2: wish to stop    3: end    4, 5: step barrier
///     line 6 + r: position of rank r
///
/// Each but the flags and the end has one writer. A position is step * 2^32 + what the rank does there (`RankPosition.Activity`), and is
/// there so that a rank that is killed, or hangs, can still be told from where.
struct ControlBlock: Sendable {
    let abort: AbortFlag
    let suspension: SuspensionFlag
    let barrier: Barrier
    private let stopRequest: SharedCounter
    private let end: SharedCounter
    private let positions: [SharedCounter]
    // Keeps what the views above point into mapped.
    private let segment: Segment

    private struct Layout {
        let all: SegmentLayout
        let abort, suspension, stopRequest, end: Region
        let barrier: Region
        let positions: [Region]

        init(ranks: Int) {
            var all = SegmentLayout()
            abort = all.reserve(bytes: 8)
            suspension = all.reserve(bytes: 8)
            stopRequest = all.reserve(bytes: 8)
            end = all.reserve(bytes: 8)
            barrier = all.reserve(bytes: Barrier.bytes)
            positions = (0..<ranks).map { _ in all.reserve(bytes: 8) }
            self.all = all
        }
    }

    static func bytes(ranks: Int) -> Int { Layout(ranks: ranks).all.bytes }

    init(ranks: Int, _ transport: some Transport) throws(SegmentError) {
        let layout = Layout(ranks: ranks)
        let segment = try transport.sharedMemory(bytes: layout.all.bytes)
        // Sound: the regions are aligned to a line each, the memory is zeroed, and `segment` lives as long as the views.
        func counter(_ region: Region) -> SharedCounter { unsafe SharedCounter(at: segment.address(of: region)) }
        abort = AbortFlag(counter(layout.abort))
        suspension = SuspensionFlag(counter(layout.suspension))
        stopRequest = counter(layout.stopRequest)
        end = counter(layout.end)
        barrier = unsafe Barrier(at: segment.address(of: layout.barrier), parties: ranks)
        positions = layout.positions.map(counter)
        self.segment = segment
    }

    // MARK: Where ranks are

    @inline(__always)
    func setPosition(ofRank rank: Int, step: Int, _ activity: RankPosition.Activity) {
        positions[rank].store(UInt64(step) << 32 | UInt64(activity.code))
    }

    func position(ofRank rank: Int) -> RankPosition {
        let raw = positions[rank].value
        return RankPosition(step: Int(raw >> 32), activity: .init(code: UInt32(truncatingIfNeeded: raw)))
    }

    var allPositions: [RankPosition] { positions.indices.map(position(ofRank:)) }

    // MARK: Ending early

    /// Asks the ranks to end after the step at hand. By the supervisor.
    func requestStop() { stopRequest.store(1) }

    /// Passes the supervisor's wish on, so that all ranks run the same steps, or a rank's own. By rank 0, and by the last stage's,
    /// before they arrive at the barrier of a step, and so the same: the others see it when they leave that barrier.
    /// - Parameters:
    ///   - last: the last step to be run; the first is run in any case.
    ///   - isWanted: whether this rank wants it, whatever the supervisor does.
    func announceEnd(after last: Int, isWanted: Bool) {
        if (isWanted || stopRequest.value != 0) && end.value == 0 { end.store(UInt64(max(0, last) + 1)) }
    }

    /// The end as it was announced so far, for ranks that do not see this memory; 0 for none.
    var announcedEnd: UInt64 { end.value }
    /// Takes over what a rank has announced that does not see this memory.
    func noteEnd(_ announced: UInt64) { end.setIfZero(announced) }

    /// Whether a step is behind the last one. Once the barrier of that step is passed, the answer is the same on all ranks: by
    /// then rank 0 may be at the next step's, and may announce an end there, which is behind this step.
    func endsBefore(_ step: Int) -> Bool { end.value != 0 && end.value <= UInt64(step) }

    /// Whether a step is the last one, as far as it was announced.
    func isLast(_ step: Int) -> Bool { end.value == UInt64(step + 1) }
}
