// SPDX-License-Identifier: Apache-2.0

import Threads

/// The size of a single-producer single-consumer ring of equal slots.
///
///     slot 0                                    slot 1
///     +--------+-----------+----------------+   +--------+-- ...
///     | state  | (padding) | payload ...    |   | state  |
///     +--------+-----------+----------------+   +--------+-- ...
///     0        4           64 (or 8)            stride, a multiple of 64
///
/// Each slot carries its own state, and there is no shared head or tail: one cache line moves for a hand-off of up to
/// 56 bytes (such a payload sits in the state's line), and both sides touch only the slot they work on.
/// `SlotState` says what a state means.
public struct RingLayout: Equatable, Sendable {
    /// Slots.
    public let capacity: Int
    /// Bytes of one slot's payload.
    public let payloadBytes: Int

    /// A ring of so many slots with payloads of so many bytes.
    public init(capacity: Int, payloadBytes: Int) {
        require(capacity >= 1 && capacity < 1 << 28, "a ring has 1 to 2^28 - 1 slots, not \(capacity)")
        require(
            payloadBytes >= 0 && payloadBytes <= SegmentLayout.bytesMax / capacity,
            "\(capacity) payloads of \(payloadBytes) bytes")
        self.capacity = capacity
        self.payloadBytes = payloadBytes
    }

    /// Bytes from a slot's state to its payload.
    var payloadOffset: Int { payloadBytes <= 56 ? 8 : SharedWord.lineBytes }

    /// Bytes from one slot to the next.
    public var slotStride: Int {
        (payloadOffset + payloadBytes + SharedWord.lineBytes - 1) / SharedWord.lineBytes * SharedWord.lineBytes
    }

    /// Bytes of the whole ring, to be aligned to 64.
    public var bytes: Int { slotStride * capacity }
}

/// A slot that one side holds: the producer from `reserve` to `commit`, the consumer from `receive` to `release`.
@safe
public struct RingSlot {
    @usableFromInline let position: UInt32
    @usableFromInline let state: SharedWord
    // Sound: points into the ring's memory, and the state hands the slot to one side at a time.
    @usableFromInline let payload: UnsafeMutableRawPointer
    @usableFromInline let payloadBytes: Int
    /// How the wait for the slot went.
    public let waited: Waited

    @usableFromInline
    init(
        position: UInt32, state: SharedWord, payload: UnsafeMutableRawPointer, payloadBytes: Int, waited: Waited
    ) {
        self.position = position
        self.state = state
        unsafe self.payload = payload
        self.payloadBytes = payloadBytes
        self.waited = waited
    }

    /// The payload as a tensor; no copy.
    public func tensor(_ shape: Shape) -> Tensor {
        if shape.count > payloadBytes / 4 { trap("tensor \(shape) does not fit a slot of \(payloadBytes) bytes") }
        return unsafe Tensor(at: payload, shape)
    }

    /// Writes the payload as one plain value; no copy.
    @inlinable
    public func store<Value: BitwiseCopyable>(_ value: Value) {
        require(MemoryLayout<Value>.size <= payloadBytes, "the value does not fit the slot")
        unsafe payload.storeBytes(of: value, as: Value.self)
    }

    /// Reads the payload as one plain value.
    @inlinable
    public func load<Value: BitwiseCopyable>(as type: Value.Type) -> Value {
        require(MemoryLayout<Value>.size <= payloadBytes, "the value does not fit the slot")
        return unsafe payload.loadUnaligned(as: type)
    }
}

/// The sending end. One thread uses it, and only one is made for each ring.
public struct RingProducer: ~Copyable {
    @usableFromInline var cursor: RingCursor
    @usableFromInline var hasReserved = false

    /// An end of a ring whose storage is initialized.
    public init(_ storage: RingStorage) { cursor = RingCursor(storage) }

    /// Waits for the next slot to be free and returns it; the same slot again until it is committed.
    ///
    /// The wait ends when the consumer releases the slot's previous item, on abort, or on the deadline.
    /// What the consumer read from the slot before is finished by then (acquire).
    @inlinable
    public mutating func reserve(_ context: WaitContext) throws(WaitError) -> RingSlot {
        let slot = try cursor.slot(waitingFor: cursor.free, context)
        hasReserved = true
        return slot
    }

    /// The next slot if it is free now, else nil.
    @inlinable
    public mutating func tryReserve() -> RingSlot? {
        guard let slot = cursor.slot(ifStateIs: cursor.free) else { return nil }
        hasReserved = true
        return slot
    }

    /// Hands the reserved slot to the consumer. All writes made before are visible to whoever receives it (release).
    /// To be called once for each reserved slot.
    @inlinable
    public mutating func commit() {
        require(hasReserved, "a commit without a reserve")
        hasReserved = false
        let before = cursor.state.publish(cursor.full)
        require(before == cursor.free, "a commit into a slot that was not free: a ring has one producer")
        cursor.advance()
    }

    /// Waits for room and sends one plain value.
    @inlinable
    public mutating func push<Value: BitwiseCopyable>(_ value: Value, _ context: WaitContext) throws(WaitError) {
        try reserve(context).store(value)
        commit()
    }

    /// Sends one plain value if there is room now.
    @inlinable
    public mutating func tryPush<Value: BitwiseCopyable>(_ value: Value) -> Bool {
        guard let slot = tryReserve() else { return false }
        slot.store(value)
        commit()
        return true
    }
}

/// The receiving end. One thread uses it, and only one is made for each ring.
///
/// Several slots can be held at once, and they may be released in any order; the producer gets them back in order.
public struct RingConsumer: ~Copyable {
    @usableFromInline var cursor: RingCursor

    /// An end of a ring whose storage is initialized.
    public init(_ storage: RingStorage) { cursor = RingCursor(storage) }

    /// Waits for the next item and takes its slot, which stays the consumer's until `release`.
    ///
    /// Items arrive in the order they were committed. The wait ends on data, on abort, or on the deadline. A consumer that
    /// still holds the slot itself would wait for ever, and traps.
    @inlinable
    public mutating func receive(_ context: WaitContext) throws(WaitError) -> RingSlot {
        // One look, whose answer serves for both: each takes the line from a producer that is writing to it.
        let seen = cursor.state.value
        var waited = Waited.ready
        if seen != cursor.full {
            require(seen != cursor.held, "a receive into a slot that its consumer has not released")
            waited = try cursor.state.waitSlowly(for: cursor.full, context)
        }
        let slot = cursor.slot(waited: waited)
        cursor.advance()
        return slot
    }

    /// Takes the next item if it is there now, else nil.
    @inlinable
    public mutating func tryReceive() -> RingSlot? {
        guard let slot = cursor.slot(ifStateIs: cursor.full) else { return nil }
        cursor.advance()
        return slot
    }

    /// Gives a slot back to the producer. To be called once for each received slot.
    @inlinable
    public func release(_ slot: RingSlot) {
        let before = slot.state.publish(SlotState.free(after: slot.position, capacity: cursor.capacity))
        require(
            before == SlotState.full(with: slot.position),
            "a release of a slot that the consumer does not hold: each is released once")
    }

    /// Waits for an item and takes it out as one plain value. Its slot is given back at once; who answers the sender does
    /// so sooner with `receive`, the answer, and only then `release`, for which nobody waits.
    @inlinable
    public mutating func pop<Value: BitwiseCopyable>(
        as type: Value.Type, _ context: WaitContext
    ) throws(WaitError) -> Value {
        let slot = try receive(context)
        defer { release(slot) }
        return slot.load(as: type)
    }

    /// Takes an item out if it is there now, else nil.
    @inlinable
    public mutating func tryPop<Value: BitwiseCopyable>(as type: Value.Type) -> Value? {
        guard let slot = tryReceive() else { return nil }
        defer { release(slot) }
        return slot.load(as: type)
    }
}
