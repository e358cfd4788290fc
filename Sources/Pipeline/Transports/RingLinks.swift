// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// Edges as rings in one shared segment: hand-offs in place, for threads and for forked processes alike.
struct RingLinks: Links {
    private let segment: Segment
    private let regions: [Edge: Region]

    init(_ edges: [Edge], _ transport: some Transport) throws(SegmentError) {
        self.init(edges, in: try transport.sharedMemory(bytes: Self.layout(edges).all.bytes), isFirst: true)
    }

    /// - Parameters:
    ///   - segment: as large as the layout of the edges; all processes that use them map it.
    ///   - isFirst: whether it is this process that makes the rings.
    init(_ edges: [Edge], in segment: Segment, isFirst: Bool) {
        self.segment = segment
        regions = Self.layout(edges).regions
        if isFirst { for edge in edges { storage(edge).initialize() } }
    }

    /// Where each edge's ring lies, one after the other.
    static func layout(_ edges: [Edge]) -> (all: SegmentLayout, regions: [Edge: Region]) {
        var layout = SegmentLayout()
        var regions: [Edge: Region] = [:]
        for edge in edges { regions[edge] = layout.reserve(bytes: edge.ringLayout.bytes) }
        return (layout, regions)
    }

    func sender(_ edge: Edge) -> any SendChannel { RingSendChannel(storage(edge), edge.shape) }
    func receiver(_ edge: Edge) -> any ReceiveChannel { RingReceiveChannel(storage(edge), edge.shape) }

    // Sound: the rank that holds an end runs inside the run that holds these links, and so the segment.
    private func storage(_ edge: Edge) -> RingStorage {
        unsafe RingStorage(at: segment.address(of: regions[edge]!), edge.ringLayout)
    }
}

extension Edge {
    var ringLayout: RingLayout { RingLayout(capacity: slots, payloadBytes: shape.count * 4) }
}

private final class RingSendChannel: SendChannel {
    private var producer: RingProducer
    private let shape: Shape
    /// Stages write and read in the slots themselves.
    let bytesCopied = 0
    private(set) var lastWait = Waited.ready

    init(_ storage: RingStorage, _ shape: Shape) {
        producer = RingProducer(storage)
        self.shape = shape
    }

    func reserve(_ context: WaitContext) throws(WaitError) -> Tensor {
        let slot = try producer.reserve(context)
        lastWait = slot.waited
        return slot.tensor(shape)
    }

    func commit(_ context: WaitContext) throws(WaitError) -> Waited {
        producer.commit()
        return .ready
    }
}

private final class RingReceiveChannel: ReceiveChannel {
    private var consumer: RingConsumer
    private let shape: Shape
    // Slots are received in ring order, so the n-th delivery and the (n + capacity)-th are never held together.
    private var held: [RingSlot?]
    private var next = 0
    private(set) var lastWait = Waited.ready
    let bytesCopied = 0

    init(_ storage: RingStorage, _ shape: Shape) {
        consumer = RingConsumer(storage)
        held = Array(repeating: nil, count: storage.layout.capacity)
        self.shape = shape
    }

    func receive(_ context: WaitContext) throws(WaitError) -> Delivery {
        let slot = try consumer.receive(context)
        lastWait = slot.waited
        let ticket = next
        held[ticket] = slot
        next = ticket + 1 == held.count ? 0 : ticket + 1
        return Delivery(tensor: slot.tensor(shape), ticket: ticket)
    }

    func release(_ delivery: Delivery) {
        require(held.indices.contains(delivery.ticket), "a delivery of another channel")
        guard let slot = held[delivery.ticket] else { trap("a delivery was released twice") }
        held[delivery.ticket] = nil
        consumer.release(slot)
    }
}
