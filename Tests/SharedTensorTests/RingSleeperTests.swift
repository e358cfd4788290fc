// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Testing
import Threads

/// Ends of several rings that sleep at the same time, for minutes unless they are woken.
struct RingSleeperTests {
    private static func context(_ ring: RingFixture) -> WaitContext {
        ring.context(Sleepers<Waited>.patience, timeoutSeconds: 60)
    }

    @Test(
        "each of three consumers on empty rings is woken by its own ring's item", arguments: [[0, 1, 2], [2, 0, 1]])
    func consumers(order: [Int]) throws {
        let rings = try (1...3).map { try RingFixture(RingLayout(capacity: $0, payloadBytes: 8)) }
        let sleepers = try Sleepers(3) { index throws(WaitError) in
            var consumer = RingConsumer(rings[index].storage)
            let slot = try consumer.receive(Self.context(rings[index]))
            defer { consumer.release(slot) }
            return (slot.load(as: Int.self), slot.waited)
        }
        try sleepers.waitUntilAsleep()
        for index in order {
            var producer = RingProducer(rings[index].storage)
            let isPushed = producer.tryPush(100 + index)
            #expect(isPushed)
        }
        let values = try sleepers.values()
        #expect(values.map(\.0) == [100, 101, 102] && values.allSatisfy { $0.1 == .parked })
    }

    @Test("each of three producers on full rings is woken by its own ring's room, and its item comes last")
    func producers() throws {
        let rings = try (1...3).map { try RingFixture(RingLayout(capacity: $0, payloadBytes: 8)) }
        let sleepers = try Sleepers(3) { index throws(WaitError) in
            var producer = RingProducer(rings[index].storage)
            let context = Self.context(rings[index])
            for item in 0...index { try producer.push(item, context) }
            let slot = try producer.reserve(context)
            slot.store(99)
            producer.commit()
            return slot.waited
        }
        try sleepers.waitUntilAsleep()
        for index in [2, 0, 1] {
            var consumer = RingConsumer(rings[index].storage)
            let first = consumer.tryPop(as: Int.self)
            #expect(first == 0)
            let rest = try (0...index).map { _ in try consumer.pop(as: Int.self, Self.context(rings[index])) }
            #expect(rest == Array(1..<index + 1) + [99])
        }
        #expect(try sleepers.values() == [.parked, .parked, .parked])
    }

    @Test("an abort ends the waits of all who sleep, at either end") func abort() throws {
        let rings = try (1...3).map { _ in try RingFixture(RingLayout(capacity: 1, payloadBytes: 8)) }
        // The flag of one, as it is of all rings of a run.
        let flag = rings[0]
        let sleepers = try Sleepers(3) { index throws(WaitError) in
            let context = flag.context(Patience(spins: 0, sliceNanoseconds: 5_000_000), timeoutSeconds: 60)
            if index > 0 {
                var consumer = RingConsumer(rings[index].storage)
                return try consumer.receive(context).waited
            }
            var producer = RingProducer(rings[index].storage)
            try producer.push(0, context)
            return try producer.reserve(context).waited
        }
        try sleepers.waitUntilAsleep()
        flag.abort()
        for outcome in try sleepers.outcomes() { #expect(throws: WaitError.aborted(by: 1)) { try outcome.get() } }
    }
}
