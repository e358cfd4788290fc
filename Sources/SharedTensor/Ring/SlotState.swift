// SPDX-License-Identifier: Apache-2.0

import Threads

/// What a slot's word says: the position that the slot is free for, or whose item it holds.
///
/// The words of a ring of 2 slots, one after the other:
///
///     slot 0:  free for 0, holds 0,                      free for 2, holds 2,                      free for 4, ...
///     slot 1:              free for 1, holds 1,                      free for 3, holds 3, ...
///
/// "Free for p" is 2p and "holds p" is 2p + 1, of 31 bits: the factor two keeps "free for p + 1" and "holds p" apart when the
/// capacity is 1. Positions wrap around; two that are 2^30 apart look alike, and a ring has fewer slots.
@usableFromInline
package enum SlotState {
    /// Of a slot that the item of a position may be written to.
    @inlinable
    package static func free(for position: UInt32) -> UInt32 { (position &<< 1) & SharedWord.valueMask }

    /// Of a slot that holds the item of a position.
    @inlinable
    package static func full(with position: UInt32) -> UInt32 { free(for: position) | 1 }

    /// Of a slot that held the item of a position, in a ring of so many slots, and is given back.
    @inlinable
    package static func free(after position: UInt32, capacity: UInt32) -> UInt32 { free(for: position &+ capacity) }
}
