// SPDX-License-Identifier: Apache-2.0

import CThreads
import Glibc
import Synchronization

/// A 31-bit value in memory that threads or processes share, on which a waiter can sleep.
///
/// The memory is one 32-bit word, because that is what a futex compares: the value, and a bit for whether somebody sleeps.
/// `ParkingWord` has the drawing, and why no wake-up is lost.
///
/// Ordering: `publish` releases and `value`/`wait` acquire, so what the writer wrote before publishing is visible to
/// whoever saw the value. Values compare for equality only; they may wrap around.
// Sound: the pointer is to memory that outlives this view (the maker's promise), and every access is atomic.
@safe
public struct SharedWord: @unchecked Sendable {
    /// Bytes that a word occupies when it shares its cache line with nothing else.
    public static let lineBytes = 64
    /// Bytes of the word itself.
    public static let bytes = MemoryLayout<Atomic<UInt32>>.size
    /// Values are taken modulo 2^31.
    public static let valueMask: UInt32 = 0x7FFF_FFFF

    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// A view of four bytes at a 4-byte aligned address that stays mapped while the view is in use.
    @unsafe
    public init(at address: UnsafeMutableRawPointer) {
        unsafe word = address.assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// Writes the first value, before the word is shared.
    public func initialize(to value: UInt32) {
        // A word that lies across two cache lines is not atomic.
        require(unsafe UInt(bitPattern: word) % UInt(Self.bytes) == 0, "a shared word that is not aligned")
        require(value <= Self.valueMask, "a shared word cannot hold \(value)")
        unsafe word.pointee.store(value << 1, ordering: .releasing)
    }

    /// The value now (acquiring).
    @inlinable
    public var value: UInt32 { load() >> 1 }

    /// Stores a value, wakes whoever sleeps on the word, and returns the value before. No system call when nobody sleeps.
    @inlinable
    @discardableResult
    public func publish(_ value: UInt32) -> UInt32 { storeAndWake(value) }

    /// Waits until the value is `expected`: spins for as long as the context's patience allows, then sleeps.
    ///
    /// - Returns: how the wait went.
    /// - Throws: `WaitError.aborted` once the context's abort flag is up, `.timedOut` after its timeout. The value may
    ///   have arrived at the same moment; the caller is to leave all the same.
    @inlinable
    @discardableResult
    public func wait(for expected: UInt32, _ context: WaitContext) throws(WaitError) -> Waited {
        if value == expected { return .ready }
        return try waitSlowly(for: expected, context)
    }

    /// The same for who has just seen another value: it spins at once.
    @inline(never)
    @usableFromInline
    package func waitSlowly(for expected: UInt32, _ context: WaitContext) throws(WaitError) -> Waited {
        // A larger one would never come.
        require(expected <= Self.valueMask, "a wait for \(expected), which no shared word can hold")
        var charge = WaitCharge()
        return try spinThenPark(for: expected, spins: context.patience.spins) {
            Result { () throws(WaitError) in try charge.slice(context) }
        }.get()
    }
}

extension SharedWord: ParkingWord {
    @usableFromInline package typealias Stop = Never

    @inlinable
    package func load() -> UInt32 { unsafe word.pointee.load(ordering: .acquiring) }

    @inlinable
    package func exchange(_ bits: UInt32) -> UInt32 {
        unsafe word.pointee.exchange(bits, ordering: .acquiringAndReleasing)
    }

    @usableFromInline
    package func replace(_ old: UInt32, with new: UInt32) -> Bool {
        unsafe word.pointee.compareExchange(expected: old, desired: new, ordering: .relaxed).exchanged
    }

    // The kernel's answer is not looked at: woken, changed, timed out or interrupted, the caller's loop looks again.
    @usableFromInline
    package func sleep(while bits: UInt32, atMost nanoseconds: UInt64) {
        unsafe ppt_futex_wait(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), bits, nanoseconds)
    }

    @inline(never)
    @usableFromInline
    package func wakeSleepers() {
        unsafe ppt_futex_wake_all(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self))
    }
}
