// SPDX-License-Identifier: Apache-2.0

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

    /// Begins a microbatch, which holds so many bytes until its end.
    func add(_ more: Int) {
        microbatches += 1
        microbatchesPeak = max(microbatchesPeak, microbatches)
        keep(more)
    }

    /// Ends one.
    func remove(_ less: Int) {
        require(microbatches > 0, "more microbatches ended than began")
        microbatches -= 1
        drop(less)
    }

    /// Holds more for a microbatch that has begun.
    func keep(_ more: Int) {
        bytes += more
        bytesPeak = max(bytesPeak, bytes)
    }

    /// Holds that no longer.
    func drop(_ less: Int) {
        require(bytes >= less, "more bytes are given back than are held")
        bytes -= less
    }
}
