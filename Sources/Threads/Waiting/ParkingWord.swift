// SPDX-License-Identifier: Apache-2.0

import CThreads

/// The steps of a 32-bit word that somebody can sleep on, each of them atomic.
///
/// What writers and waiters do with a word is written once, in the extension below. `SharedWord` takes the steps in memory; a
/// test takes them in a model of memory, in every order that threads could (`Tests/InterleavingTests`).
///
///     bit 31 ............ 1   bit 0
///     [ value              ]  [ parked: somebody sleeps on this word ]
///
/// The writer publishes with one exchange, which stores the value, clears `parked` and tells whether to wake, all at
/// once. So there is no fence between "store the value" and "look for sleepers", and no lost wake-up: a waiter sets
/// `parked` with a compare-and-exchange that succeeds only while the old value stands, and the kernel puts it to sleep
/// only while the word still reads old value plus `parked`.
@usableFromInline
package protocol ParkingWord {
    /// Why a step is not taken: never in memory; a test interrupts its actors by it.
    associatedtype Stop: Error

    /// The bits now (acquiring).
    func load() throws(Stop) -> UInt32
    /// Stores new bits and returns the old ones (acquiring and releasing).
    func exchange(_ bits: UInt32) throws(Stop) -> UInt32
    /// Stores new bits if the old ones still stand, and tells whether they did (relaxed: no data goes with it).
    func replace(_ old: UInt32, with new: UInt32) throws(Stop) -> Bool
    /// Sleeps, if these bits still stand, until somebody wakes the word's sleepers; so long at most.
    func sleep(while bits: UInt32, atMost nanoseconds: UInt64) throws(Stop)
    /// Wakes all who sleep on the word.
    func wakeSleepers() throws(Stop)
}

extension ParkingWord {
    /// Stores a value and wakes whoever sleeps on the word. Returns the old value.
    @inlinable
    @inline(__always)
    package func storeAndWake(_ value: UInt32) throws(Stop) -> UInt32 {
        let old = try exchange(value << 1)
        if old & 1 != 0 { try wakeSleepers() }
        return old >> 1
    }

    /// Waits until the value is `expected`: spins, then sleeps.
    ///
    /// - Parameter look: looks at what ends the wait besides the value: why it ends, or how long to sleep at most.
    @inline(__always)
    package func spinThenPark(
        for expected: UInt32, spins: Int, look: () throws(Stop) -> Result<UInt64, WaitError>
    ) throws(Stop) -> Result<Waited, WaitError> {
        for _ in 0..<spins {
            ppt_pause()
            if try load() >> 1 == expected { return .success(.spun) }
        }
        return try park(for: expected, look: look)
    }

    @inline(__always)
    private func park(
        for expected: UInt32, look: () throws(Stop) -> Result<UInt64, WaitError>
    ) throws(Stop) -> Result<Waited, WaitError> {
        while true {
            let seen = try load()
            if seen >> 1 == expected { return .success(.parked) }
            switch try look() {
            case .failure(let error): return .failure(error)
            case .success(let slice):
                let parked = seen | 1
                if try replace(seen, with: parked) { try sleep(while: parked, atMost: slice) }
            }
        }
    }
}
