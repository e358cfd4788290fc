import Threads

/// What a rank holds for backwards, over all of its stages, and the most that it ever held.
final class StashMeter {
    private var bytes: Int
    private var microbatches = 0
    private(set) var bytesPeak = 0
    /// In (stage, microbatch) pairs.
    private(set) var microbatchesPeak = 0

    /// - Parameter bytes: what is there all the time, for forwards that are done again.
    init(bytes: Int) { self.bytes = bytes }

    func add(_ more: Int) {
        bytes += more
        microbatches += 1
        bytesPeak = max(bytesPeak, bytes)
        microbatchesPeak = max(microbatchesPeak, microbatches)
    }

    func remove(_ less: Int) {
        require(microbatches > 0, "more microbatches ended than began")
        bytes -= less
        microbatches -= 1
    }
}
