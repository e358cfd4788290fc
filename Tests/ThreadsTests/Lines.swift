// SPDX-License-Identifier: Apache-2.0

import Threads

/// Zeroed lines of memory for shared words, freed with the object.
// Sound: the address never changes, and what lies behind it is atomic.
@safe
final class Lines: @unchecked Sendable {
    let address: UnsafeMutableRawPointer
    init(_ count: Int) {
        unsafe address = .allocate(byteCount: 64 * count, alignment: 64)
        unsafe address.initializeMemory(as: UInt8.self, repeating: 0, count: 64 * count)
    }
    deinit { unsafe address.deallocate() }
    func word(_ line: Int) -> SharedWord { unsafe SharedWord(at: address + 64 * line) }
    func counter(_ line: Int) -> SharedCounter { unsafe SharedCounter(at: address + 64 * line) }
    func context(_ patience: Patience, timeoutSeconds: Double = 20) -> WaitContext {
        WaitContext(
            patience: patience, abort: AbortFlag(counter(0)), timeoutNanoseconds: UInt64(timeoutSeconds * 1e9))
    }
    /// Of one who sleeps at once, 20 ns at a time, and whose clock is what a line holds.
    func sleeper(
        timeoutNanoseconds: UInt64, clockLine: Int, nanosecondsALook: UInt64 = 0, _ suspension: SuspensionFlag? = nil
    ) -> WaitContext {
        WaitContext(
            patience: Patience(spins: 0, sliceNanoseconds: 20), abort: AbortFlag(counter(0)),
            timeoutNanoseconds: timeoutNanoseconds, suspension: suspension,
            clock: WaitClock(counter(clockLine), nanosecondsALook: nanosecondsALook))
    }
}
