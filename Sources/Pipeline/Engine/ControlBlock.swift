import SharedTensor
import Threads

/// What the ranks of a run and their supervisor share besides the rings.
///
///     line 0: abort flag    line 1: suspension flag    line 2: end    line 3: loss    lines 4, 5: step barrier
///     line 6 + r: position of rank r
///
/// Each but the flags has one writer. A position is step * 2^32 + what the rank does there (`RankPosition.Activity`), and is
/// there so that a rank that is killed, or hangs, can still be told from where.
struct ControlBlock: Sendable {
    let abort: AbortFlag
    let suspension: SuspensionFlag
    let barrier: Barrier
    private let end: SharedCounter
    private let stopRequest: SharedCounter
    private let loss: SharedCounter
    private let positions: [SharedCounter]
    // Keeps what the views above point into mapped.
    private let segment: Segment

    init(ranks: Int, _ transport: some Transport) throws(SegmentError) {
        var layout = SegmentLayout()
        let lines = (0..<5).map { _ in layout.reserve(bytes: 8) }
        let barrierRegion = layout.reserve(bytes: Barrier.bytes)
        let positionRegions = (0..<ranks).map { _ in layout.reserve(bytes: 8) }
        let segment = try transport.sharedMemory(bytes: layout.bytes)
        // Sound: the regions are aligned to a line each, the memory is zeroed, and `segment` lives as long as the views.
        let counters = lines.map { unsafe SharedCounter(at: segment.address(of: $0)) }
        abort = AbortFlag(counters[0])
        suspension = SuspensionFlag(counters[1])
        (end, stopRequest, loss) = (counters[2], counters[3], counters[4])
        barrier = unsafe Barrier(at: segment.address(of: barrierRegion), parties: ranks)
        positions = positionRegions.map { unsafe SharedCounter(at: segment.address(of: $0)) }
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

    /// Passes the supervisor's wish on, so that all ranks run the same steps. By rank 0, before it arrives at the barrier of a
    /// step: the others see it when they leave that barrier.
    /// - Parameter last: the last step to be run.
    func announceEnd(after last: @autoclosure () -> Int) {
        if stopRequest.value != 0 && end.value == 0 { end.store(UInt64(last() + 1)) }
    }

    /// Whether a step is behind the last one. Once the barrier of that step is passed, the answer is the same on all ranks: by
    /// then rank 0 may be at the next step's, and may announce an end there, which is behind this step.
    func endsBefore(_ step: Int) -> Bool { end.value != 0 && end.value <= UInt64(step) }

    /// Whether a step is the last one, as far as it was announced.
    func isLast(_ step: Int) -> Bool { end.value == UInt64(step + 1) }

    // MARK: The loss

    /// By the last stage's rank, after a step.
    func setLoss(_ value: Float) { loss.store(1 << 32 | UInt64(value.bitPattern)) }

    /// Of the step that ended last; nil before the first.
    var lastLoss: Float? {
        let raw = loss.value
        return raw == 0 ? nil : Float(bitPattern: UInt32(truncatingIfNeeded: raw))
    }
}
