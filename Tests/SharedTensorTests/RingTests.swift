// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Testing
import Threads

/// A ring in private memory with a word for aborts beside it.
// Sound: nothing in it changes after init, and the memory is used as a ring and as an atomic flag.
final class RingFixture: @unchecked Sendable {
    let storage: RingStorage
    private let segment: Segment
    private let abortFlag: AbortFlag

    init(_ layout: RingLayout, firstPosition: UInt32 = 0) throws {
        segment = try Segment(bytes: layout.bytes + 64, backing: .privateMemory)
        storage = unsafe RingStorage(
            at: segment.address(of: Region(offset: 64, bytes: layout.bytes)), layout, firstPosition: firstPosition)
        abortFlag = unsafe AbortFlag(SharedCounter(at: segment.address(of: Region(offset: 0, bytes: 8))))
        storage.initialize()
    }

    func abort() { abortFlag.raise(by: 1) }
    func context(_ patience: Patience = .sharedCPU, timeoutSeconds: Double = 20) -> WaitContext {
        WaitContext(patience: patience, abort: abortFlag, timeoutNanoseconds: UInt64(timeoutSeconds * 1e9))
    }
}

struct RingTests {
    static let patiences = [
        Patience(spins: 0, sliceNanoseconds: 60_000_000_000), Patience(spins: 30, sliceNanoseconds: 60_000_000_000),
        .ownCPU,
    ]

    @Test("items arrive once each and in order, whatever the capacity, parked or spinning", arguments: 1...5, patiences)
    func order(capacity: Int, patience: Patience) throws {
        let ring = try RingFixture(RingLayout(capacity: capacity, payloadBytes: 8))
        let count = 5000
        let sender = try PinnedThread<Bool, WaitError>(name: "sender", cpu: nil) { _ throws(WaitError) in
            var producer = RingProducer(ring.storage)
            for item in 0..<count { try producer.push(item, ring.context(patience)) }
            return true
        }
        var consumer = RingConsumer(ring.storage)
        for item in 0..<count {
            let received = try consumer.pop(as: Int.self, ring.context(patience))
            try #require(received == item)
        }
        #expect(consumer.tryPop(as: Int.self) == nil)
        #expect(try sender.join())
    }

    @Test("a ring holds exactly its capacity", arguments: 1...9) func capacity(capacity: Int) throws {
        let ring = try RingFixture(RingLayout(capacity: capacity, payloadBytes: 8))
        var producer = RingProducer(ring.storage)
        var consumer = RingConsumer(ring.storage)
        for round in 0..<3 {
            for item in 0..<capacity {
                let pushed = producer.tryPush(item + round)
                #expect(pushed)
            }
            let overfull = producer.tryPush(99)
            #expect(!overfull)
            for item in 0..<capacity {
                let popped = consumer.tryPop(as: Int.self)
                #expect(popped == item + round)
            }
            let empty = consumer.tryPop(as: Int.self)
            #expect(empty == nil)
        }
    }

    @Test("counting wraps around next to UInt32.max without a hitch", arguments: 1...5)
    func wrapAround(capacity: Int) throws {
        for first in [UInt32.max - 7, UInt32(1) << 30 - 5, UInt32(1) << 31 - 5] {
            let ring = try RingFixture(RingLayout(capacity: capacity, payloadBytes: 8), firstPosition: first)
            var producer = RingProducer(ring.storage)
            var consumer = RingConsumer(ring.storage)
            for item in 0..<40 {
                try producer.push(item, ring.context())
                let popped = try consumer.pop(as: Int.self, ring.context())
                #expect(popped == item)
            }
        }
    }

    @Test("a payload is written and read in place, in the same memory each time round") func inPlace() throws {
        let shape = Shape(4, 30)
        let ring = try RingFixture(RingLayout(capacity: 2, payloadBytes: shape.count * 4))
        var producer = RingProducer(ring.storage)
        var consumer = RingConsumer(ring.storage)
        for round in 0..<6 {
            let sent = try producer.reserve(ring.context()).tensor(shape)
            sent.fill(Float(round))
            producer.commit()
            let slot = try consumer.receive(ring.context())
            let received = slot.tensor(shape)
            #expect(received.values == Array(repeating: Float(round), count: 120))
            received[0] = -1
            #expect(sent[0] == -1)
            consumer.release(slot)
        }
    }

    @Test("reserving again before a commit gives the same slot; an uncommitted item is not received") func reserve()
        throws
    {
        let ring = try RingFixture(RingLayout(capacity: 3, payloadBytes: 8))
        var producer = RingProducer(ring.storage)
        var consumer = RingConsumer(ring.storage)
        try producer.reserve(ring.context()).store(1)
        try producer.reserve(ring.context()).store(2)
        let early = consumer.tryPop(as: Int.self)
        #expect(early == nil)
        producer.commit()
        let item = consumer.tryPop(as: Int.self)
        #expect(item == 2)
    }

    @Test("several items can be held and released in any order; the sender waits for the oldest") func lateRelease()
        throws
    {
        let ring = try RingFixture(RingLayout(capacity: 3, payloadBytes: 8))
        var producer = RingProducer(ring.storage)
        var consumer = RingConsumer(ring.storage)
        for item in 0..<3 { try producer.push(item, ring.context()) }
        let slots = try (0..<3).map { _ in try consumer.receive(ring.context()) }
        consumer.release(slots[2])
        consumer.release(slots[1])
        let tooEarly = producer.tryPush(3)
        #expect(!tooEarly)
        consumer.release(slots[0])
        for item in 3..<6 {
            let pushed = producer.tryPush(item)
            #expect(pushed)
        }
        let items = (3..<6).map { _ in consumer.tryPop(as: Int.self) }
        #expect(items == [3, 4, 5])
    }

    @Test("abort and the deadline end both ends' waits") func endedWaits() throws {
        let ring = try RingFixture(RingLayout(capacity: 1, payloadBytes: 8))
        var producer = RingProducer(ring.storage)
        var consumer = RingConsumer(ring.storage)
        #expect(throws: WaitError.self) { try consumer.receive(ring.context(timeoutSeconds: 0.01)) }
        try producer.push(1, ring.context())
        #expect(throws: WaitError.self) { try producer.reserve(ring.context(timeoutSeconds: 0.01)) }
        ring.abort()
        #expect(throws: WaitError.aborted(by: 1)) { try producer.reserve(ring.context()) }
        // What is there already is still received after an abort: only waits end.
        #expect(try consumer.pop(as: Int.self, ring.context()) == 1)
        #expect(throws: WaitError.aborted(by: 1)) { try consumer.receive(ring.context()) }
    }

    @Test("small payloads share the state's cache line; tensors start on a line of their own") func layout() {
        #expect(RingLayout(capacity: 4, payloadBytes: 8).bytes == 4 * 64)
        #expect(RingLayout(capacity: 4, payloadBytes: 56).slotStride == 64)
        #expect(RingLayout(capacity: 4, payloadBytes: 57).slotStride == 128)
        #expect(RingLayout(capacity: 2, payloadBytes: 122_880).slotStride == 122_880 + 64)
    }

    @Test("what the sender wrote before the commit is what the receiver reads, at every slot") func visibility() throws
    {
        let shape = Shape(500)
        let ring = try RingFixture(RingLayout(capacity: 2, payloadBytes: 2000))
        let count = 2000
        let sender = try PinnedThread<Bool, WaitError>(name: "sender", cpu: nil) { _ throws(WaitError) in
            var producer = RingProducer(ring.storage)
            for item in 0..<count {
                try producer.reserve(ring.context()).tensor(shape).fill(Float(item))
                producer.commit()
            }
            return true
        }
        var consumer = RingConsumer(ring.storage)
        for item in 0..<count {
            let slot = try consumer.receive(ring.context())
            let tensor = slot.tensor(shape)
            try #require(tensor[0] == Float(item) && tensor[499] == Float(item) && tensor[250] == Float(item))
            consumer.release(slot)
        }
        #expect(try sender.join())
    }
}
