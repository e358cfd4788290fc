// SPDX-License-Identifier: Apache-2.0

import Threads

/// A ring's memory: the fence around its raw addresses. The only file that computes an address inside a ring.
// Sound: the bytes outlive the ring's two ends (the maker's promise), and a slot's state says whose the slot is.
@safe
public struct RingStorage: @unchecked Sendable {
    /// How many slots there are, and how large: the same for both ends.
    public let layout: RingLayout
    let firstPosition: UInt32
    /// The layout's, computed once.
    @usableFromInline let stride: Int
    @usableFromInline let payloadOffset: Int
    /// `layout.bytes` of them are mapped.
    @usableFromInline let base: UnsafeMutableRawPointer

    /// A view of `layout.bytes` bytes that stay mapped while either end is in use.
    ///
    /// - Parameters:
    ///   - address: of the first byte, aligned to 64.
    ///   - layout: the same for both ends.
    ///   - firstPosition: where counting starts; anything but 0 is for tests of the wrap-around.
    @unsafe
    public init(at address: UnsafeMutableRawPointer, _ layout: RingLayout, firstPosition: UInt32 = 0) {
        require(UInt(bitPattern: address) % UInt(SharedWord.lineBytes) == 0, "a ring is aligned to a cache line")
        require(SharedWord.bytes <= layout.payloadOffset, "a slot's state would overlap its payload")
        unsafe base = address
        self.layout = layout
        (stride, payloadOffset) = (layout.slotStride, layout.payloadOffset)
        self.firstPosition = firstPosition
    }

    /// Marks every slot free. To be called once, before either end is made.
    public func initialize() {
        for slot in 0..<layout.capacity {
            state(of: slot).initialize(to: SlotState.free(for: firstPosition &+ UInt32(slot)))
        }
    }

    @inlinable
    func state(of slot: Int) -> SharedWord { unsafe SharedWord(at: base + slot * stride) }

    @inlinable
    func payload(of slot: Int) -> UnsafeMutableRawPointer {
        unsafe base + slot * stride + payloadOffset
    }
}

extension Segment {
    /// A ring in a region, with every slot free. To be made once, before its two ends.
    public func ring(_ region: Region, _ layout: RingLayout) -> RingStorage {
        if layout.bytes > region.bytes { trap("a ring of \(layout.bytes) bytes does not fit its region") }
        // Sound: regions are aligned to a line, and views do not outlive their segment.
        let storage = unsafe RingStorage(at: address(of: region), layout)
        storage.initialize()
        return storage
    }

    /// A number in a region, 0 until something is stored.
    public func counter(_ region: Region) -> SharedCounter {
        if region.bytes < SharedCounter.bytes { trap("a counter does not fit a region of \(region.bytes) bytes") }
        return unsafe SharedCounter(at: address(of: region))
    }
}

/// One end's position in the ring. Private to that end: nothing here is shared.
///
/// All that a hand-off goes through is inlinable, because a ring's users are in other modules: as calls, through the
/// witness table of the value's type, the way of 8 bytes there and back takes a tenth longer.
@usableFromInline
struct RingCursor {
    @usableFromInline let storage: RingStorage
    @usableFromInline let capacity: UInt32
    @usableFromInline let payloadBytes: Int
    @usableFromInline var position: UInt32
    @usableFromInline var index = 0
    @usableFromInline var state: SharedWord

    init(_ storage: RingStorage) {
        self.storage = storage
        capacity = UInt32(storage.layout.capacity)
        payloadBytes = storage.layout.payloadBytes
        position = storage.firstPosition
        state = storage.state(of: 0)
    }

    /// States of the slot at this end's position.
    @inlinable var free: UInt32 { SlotState.free(for: position) }
    @inlinable var full: UInt32 { SlotState.full(with: position) }
    /// Of a slot that still holds the item of the round before.
    @inlinable var held: UInt32 { SlotState.full(with: position &- capacity) }

    @inlinable
    mutating func advance() {
        position &+= 1
        index += 1
        if index == Int(capacity) { index = 0 }
        state = storage.state(of: index)
    }

    @inlinable
    func slot(waitingFor expected: UInt32, _ context: WaitContext) throws(WaitError) -> RingSlot {
        slot(waited: try state.wait(for: expected, context))
    }

    @inlinable
    func slot(ifStateIs expected: UInt32) -> RingSlot? { state.value == expected ? slot(waited: .ready) : nil }

    @inlinable
    func slot(waited: Waited) -> RingSlot {
        unsafe RingSlot(
            position: position, state: state, payload: storage.payload(of: index), payloadBytes: payloadBytes,
            waited: waited)
    }
}
