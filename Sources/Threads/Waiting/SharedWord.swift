import CThreads
import Glibc
import Synchronization

/// A 31-bit value in memory that threads or processes share, on which a waiter can sleep.
///
/// The memory is one 32-bit word, because that is what a futex compares:
///
///     bit 31 ............ 1   bit 0
///     [ value              ]  [ parked: somebody sleeps on this word ]
///
/// The writer publishes with one exchange, which stores the value, clears `parked` and tells whether to wake, all at
/// once. So there is no fence between "store the value" and "look for sleepers", and no lost wake-up: a waiter sets
/// `parked` with a compare-and-exchange that succeeds only while the old value stands, and the kernel puts it to sleep
/// only while the word still reads old value plus `parked`.
///
/// Ordering: `publish` releases and `value`/`wait` acquire, so what the writer wrote before publishing is visible to
/// whoever saw the value. Values compare for equality only; they may wrap around.
@safe
public struct SharedWord: @unchecked Sendable {
    /// Bytes that a word occupies when it shares its cache line with nothing else.
    public static let lineBytes = 64
    /// Values are taken modulo 2^31.
    public static let valueMask: UInt32 = 0x7FFF_FFFF

    // Sound: the pointer is to memory that outlives this view (the maker's promise), and every access is atomic.
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// A view of four bytes at a 4-byte aligned address that stays mapped while the view is in use.
    @unsafe
    public init(at address: UnsafeMutableRawPointer) {
        unsafe word = address.assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// Writes the first value, before the word is shared.
    public func initialize(to value: UInt32) {
        unsafe word.pointee.store(value << 1, ordering: .releasing)
    }

    /// The value now (acquiring).
    @inlinable
    public var value: UInt32 { unsafe word.pointee.load(ordering: .acquiring) >> 1 }

    /// Stores a value and wakes whoever sleeps on the word. No system call when nobody does.
    @inlinable
    public func publish(_ value: UInt32) {
        let old = unsafe word.pointee.exchange(value << 1, ordering: .acquiringAndReleasing)
        if old & 1 != 0 { wake() }
    }

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

    @inline(never)
    @usableFromInline
    func waitSlowly(for expected: UInt32, _ context: WaitContext) throws(WaitError) -> Waited {
        for _ in 0..<max(0, context.patience.spins) {
            ppt_pause()
            if value == expected { return .spun }
        }
        return try park(for: expected, context)
    }

    private func park(for expected: UInt32, _ context: WaitContext) throws(WaitError) -> Waited {
        var charge = WaitCharge()
        while true {
            let seen = unsafe word.pointee.load(ordering: .acquiring)
            if seen >> 1 == expected { return .parked }
            let slice = try charge.slice(context)
            let (parked, _) = unsafe word.pointee.compareExchange(
                expected: seen, desired: seen | 1, ordering: .relaxed)
            if parked { sleep(while: seen | 1, atMost: slice) }
        }
    }

    // The kernel's answer is not looked at: woken, changed, timed out or interrupted, the caller's loop looks again.
    private func sleep(while expected: UInt32, atMost nanoseconds: UInt64) {
        unsafe ppt_futex_wait(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), expected, nanoseconds)
    }

    @inline(never)
    @usableFromInline
    func wake() {
        unsafe ppt_futex_wake_all(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self))
    }
}

/// A 64-bit number in memory that threads or processes share: atomic, never waited on.
@safe
public struct SharedCounter: @unchecked Sendable {
    // Sound for the same reason as in SharedWord.
    private let number: UnsafeMutablePointer<Atomic<UInt64>>

    /// A view of eight bytes at an 8-byte aligned address that stays mapped while the view is in use.
    @unsafe
    public init(at address: UnsafeMutableRawPointer) {
        unsafe number = address.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// The number now (acquiring).
    public var value: UInt64 { unsafe number.pointee.load(ordering: .acquiring) }

    /// Stores a number (releasing).
    @inline(__always)
    public func store(_ value: UInt64) { unsafe number.pointee.store(value, ordering: .releasing) }

    /// Adds one and returns the sum. Acquires and releases: whoever brings it to n sees what the others wrote before.
    public func increment() -> UInt64 {
        unsafe number.pointee.add(1, ordering: .acquiringAndReleasing).newValue
    }

    /// Stores `value` if the number is still 0; tells whether it was.
    @discardableResult
    public func setIfZero(_ value: UInt64) -> Bool {
        unsafe number.pointee.compareExchange(expected: 0, desired: value, ordering: .acquiringAndReleasing).exchanged
    }
}
