// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A 64-bit number in memory that threads or processes share: atomic, never waited on.
// Sound: the pointer is to memory that outlives this view (the maker's promise), and every access is atomic.
@safe
public struct SharedCounter: @unchecked Sendable {
    /// Bytes of the number.
    public static let bytes = MemoryLayout<Atomic<UInt64>>.size

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

    /// Adds and returns the sum. Acquires and releases: whoever brings it to n sees what the others wrote before.
    @discardableResult
    public func increment(by addend: UInt64 = 1) -> UInt64 {
        unsafe number.pointee.wrappingAdd(addend, ordering: .acquiringAndReleasing).newValue
    }

    /// Stores `value` if the number is still 0; tells whether it was.
    @discardableResult
    public func setIfZero(_ value: UInt64) -> Bool {
        unsafe number.pointee.compareExchange(expected: 0, desired: value, ordering: .acquiringAndReleasing).exchanged
    }
}
