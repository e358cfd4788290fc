// SPDX-License-Identifier: Apache-2.0

/// A meeting point of all ranks of a run, in memory that they share.
///
///     byte 0                      8             64                      68            128
///     +---------------------------+-------------+-----------------------+-------------+
///     | arrivals (SharedCounter)  | (padding)   | generation            | (padding)   |
///     +---------------------------+-------------+-----------------------+-------------+
///                                               SharedWord, what waiters sleep on
///
/// Each rank holds its own copy of this value, which counts the generations it went through. Everything a rank wrote
/// before arriving is visible to every rank after it leaves.
public struct Barrier: Sendable {
    /// Bytes to set aside, zeroed, aligned to `SharedWord.lineBytes`: the two lines of the drawing.
    public static let bytes = 2 * SharedWord.lineBytes
    private static let generationOffset = SharedWord.lineBytes

    private let arrivals: SharedCounter
    private let generation: SharedWord
    private let parties: UInt64
    private var passed: UInt32 = 0

    /// A view of `bytes` zeroed bytes, aligned to a cache line, that stay mapped while the view is in use.
    @unsafe
    public init(at address: UnsafeMutableRawPointer, parties: Int) {
        require(parties >= 1, "a barrier needs at least one party")
        require(UInt(bitPattern: address) % UInt(SharedWord.lineBytes) == 0, "a barrier is aligned to a cache line")
        require(
            SharedCounter.bytes <= Self.generationOffset && Self.generationOffset + SharedWord.bytes <= Self.bytes,
            "the parts of a barrier overlap")
        unsafe arrivals = SharedCounter(at: address)
        unsafe generation = SharedWord(at: address + Self.generationOffset)
        self.parties = UInt64(parties)
    }

    /// Waits until every rank has arrived as often as this one.
    ///
    /// - Returns: how the wait went; `ready` for the last to arrive.
    /// - Throws: `WaitError`, after which the barrier must not be used again by anybody.
    @discardableResult
    public mutating func arrive(_ context: WaitContext) throws(WaitError) -> Waited {
        passed = (passed &+ 1) & SharedWord.valueMask
        // The counter is reset before the generation is published, so nobody can arrive again in between.
        let arrived = arrivals.increment()
        require(arrived <= parties, "a barrier for \(parties) ranks at which \(arrived) have arrived")
        if arrived == parties {
            arrivals.store(0)
            generation.publish(passed)
            return .ready
        }
        return try generation.wait(for: passed, context)
    }
}
