import SharedTensor
import Threads

/// What the ranks of a run and their supervisor share besides the rings.
///
///     line 0: abort flag    lines 1, 2: step barrier    line 3 + r: position of rank r
///
/// A position is step * 2^32 + (index of the task, counted from 1; 0 between steps). It has one writer, the rank, and
/// is there so that a rank that is killed can still be told from where.
struct ControlBlock: Sendable {
    let abort: AbortFlag
    let barrier: Barrier
    private let positions: [SharedCounter]
    // Keeps what the views above point into mapped.
    private let segment: Segment

    private struct Layout {
        private(set) var all = SegmentLayout()
        let abort: Region
        let barrier: Region
        let positions: [Region]

        init(ranks: Int) {
            abort = all.reserve(bytes: 8)
            barrier = all.reserve(bytes: Barrier.bytes)
            var all = all
            positions = (0..<ranks).map { _ in all.reserve(bytes: 8) }
            self.all = all
        }
    }

    static func bytes(ranks: Int) -> Int { Layout(ranks: ranks).all.bytes }

    init(ranks: Int, _ transport: some Transport) throws(SegmentError) {
        let layout = Layout(ranks: ranks)
        let segment = try transport.sharedMemory(bytes: layout.all.bytes)
        // Sound: the regions are aligned to a line each, the memory is zeroed, and `segment` lives as long as the views.
        abort = unsafe AbortFlag(SharedCounter(at: segment.address(of: layout.abort)))
        barrier = unsafe Barrier(at: segment.address(of: layout.barrier), parties: ranks)
        positions = layout.positions.map { unsafe SharedCounter(at: segment.address(of: $0)) }
        self.segment = segment
    }

    @inline(__always)
    func setPosition(ofRank rank: Int, step: Int, task: Int?) {
        positions[rank].store(UInt64(step) << 32 | UInt64(task.map { $0 + 1 } ?? 0))
    }

    func position(ofRank rank: Int, _ graph: TaskGraph) -> RankPosition {
        let raw = positions[rank].value
        let index = Int(raw & 0xFFFF_FFFF)
        return RankPosition(
            step: Int(raw >> 32), task: index == 0 ? nil : graph.tasks[rank][index - 1].description)
    }

    /// The step that rank 0 is in.
    var step: Int { Int(positions[0].value >> 32) }
}
