// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// The memory between two sides: two words in lines of their own, a ring there and a ring back.
struct RingMemory: Sendable {
    private let segment: Segment
    private let lines: [SharedWord]
    private let there: RingStorage
    private let back: RingStorage
    private let context: WaitContext

    /// - Parameter linesBefore: how far from the start of the memory everything lies.
    init(
        _ transport: any Transport, _ ring: RingLayout, _ patience: Patience, linesBefore: Int
    ) throws(SegmentError) {
        var layout = SegmentLayout()
        _ = layout.reserve(bytes: linesBefore * SharedWord.lineBytes)
        let abort = layout.reserve(bytes: 8)
        let words = [layout.reserve(bytes: 4), layout.reserve(bytes: 4)]
        let rings = [layout.reserve(bytes: ring.bytes), layout.reserve(bytes: ring.bytes)]
        segment = try transport.sharedMemory(bytes: layout.bytes)
        // Sound: `segment` is held beside these views, and a forked worker inherits its mapping.
        lines = [
            unsafe SharedWord(at: segment.address(of: words[0])), unsafe SharedWord(at: segment.address(of: words[1])),
        ]
        there = unsafe RingStorage(at: segment.address(of: rings[0]), ring)
        back = unsafe RingStorage(at: segment.address(of: rings[1]), ring)
        let flag = unsafe AbortFlag(SharedCounter(at: segment.address(of: abort)))
        context = WaitContext(patience: patience, abort: flag, timeoutNanoseconds: 10_000_000_000)
        there.initialize()
        back.initialize()
    }

    var oneLineEnd: LineEnd { LineEnd(sent: lines[0], received: lines[0], context: context) }

    func twoLinesEnd(_ side: Side) -> LineEnd {
        let own = side == .asking ? 0 : 1
        return LineEnd(sent: lines[own], received: lines[1 - own], context: context)
    }

    func numberEnd(_ side: Side) -> NumberEnd {
        NumberEnd(producer: RingProducer(sending(side)), consumer: RingConsumer(receiving(side)), context: context)
    }

    func lateNumberEnd(_ side: Side) -> LateNumberEnd {
        LateNumberEnd(producer: RingProducer(sending(side)), consumer: RingConsumer(receiving(side)), context: context)
    }

    func tensorEnd(_ side: Side, _ shape: Shape) -> TensorEnd {
        TensorEnd(
            producer: RingProducer(sending(side)), consumer: RingConsumer(receiving(side)), context: context,
            content: TensorContent(shape))
    }

    private func sending(_ side: Side) -> RingStorage { side == .asking ? there : back }
    private func receiving(_ side: Side) -> RingStorage { side == .asking ? back : there }
}

/// Either side of one bare cache line, or of two of them, one each way: a message is a word's next value.
struct LineEnd: ExchangeEnd {
    let sent: SharedWord
    let received: SharedWord
    let context: WaitContext

    func send(_ number: Int) throws(WaitError) { sent.publish(UInt32(number + 1)) }
    func receive(_ number: Int) throws(WaitError) { try received.wait(for: UInt32(number + 1), context) }
}

/// A side's ends of two rings of eight-byte slots.
struct NumberEnd: ExchangeEnd, ~Copyable {
    var producer: RingProducer
    var consumer: RingConsumer
    let context: WaitContext

    mutating func send(_ number: Int) throws(WaitError) { try producer.push(number, context) }

    mutating func receive(_ number: Int) throws(WaitError) {
        let received = try consumer.pop(as: Int.self, context)
        precondition(received == number, "a message arrived changed")
    }
}

/// The same, but a slot is given back only once the next message has been sent: what nobody waits for comes last.
struct LateNumberEnd: ExchangeEnd, ~Copyable {
    var producer: RingProducer
    var consumer: RingConsumer
    let context: WaitContext
    private var held: RingSlot?

    init(producer: consuming RingProducer, consumer: consuming RingConsumer, context: WaitContext) {
        self.producer = producer
        self.consumer = consumer
        self.context = context
    }

    mutating func send(_ number: Int) throws(WaitError) {
        try producer.push(number, context)
        if let held { consumer.release(held) }
        held = nil
    }

    mutating func receive(_ number: Int) throws(WaitError) {
        let slot = try consumer.receive(context)
        precondition(slot.load(as: Int.self) == number, "a message arrived changed")
        held = slot
    }
}

/// A side's ends of two rings of tensors, written and read in place.
struct TensorEnd: ExchangeEnd, ~Copyable {
    var producer: RingProducer
    var consumer: RingConsumer
    let context: WaitContext
    let content: TensorContent

    mutating func send(_ number: Int) throws(WaitError) {
        content.write(number, to: try producer.reserve(context).tensor(content.shape))
        producer.commit()
    }

    mutating func receive(_ number: Int) throws(WaitError) {
        let slot = try consumer.receive(context)
        content.check(number, slot.tensor(content.shape))
        consumer.release(slot)
    }
}
