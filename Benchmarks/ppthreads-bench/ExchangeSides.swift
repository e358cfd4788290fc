import Pipeline
import SharedTensor
import Threads

/// The memory between the two sides of an exchange, and what each side does.
struct ExchangeSides: Sendable {
    private let exchange: Exchange
    private let trips: Int
    private let warmUpTrips: Int
    private let segment: Segment
    private let line: SharedWord
    private let there: RingStorage
    private let back: RingStorage
    private let context: WaitContext

    init(_ exchange: Exchange, _ transport: any Transport, trips: Int) throws(SegmentError) {
        var layout = SegmentLayout()
        let abort = layout.reserve(bytes: 8)
        let word = layout.reserve(bytes: 4)
        let rings = [layout.reserve(bytes: exchange.ring.bytes), layout.reserve(bytes: exchange.ring.bytes)]
        segment = try transport.sharedMemory(bytes: layout.bytes)
        // Sound: `segment` is held beside these views, and a forked worker inherits its mapping.
        line = unsafe SharedWord(at: segment.address(of: word))
        there = unsafe RingStorage(at: segment.address(of: rings[0]), exchange.ring)
        back = unsafe RingStorage(at: segment.address(of: rings[1]), exchange.ring)
        let flag = unsafe AbortFlag(SharedCounter(at: segment.address(of: abort)))
        context = WaitContext(patience: .ownCPU, abort: flag, timeoutNanoseconds: 10_000_000_000)
        there.initialize()
        back.initialize()
        self.exchange = exchange
        self.trips = trips
        warmUpTrips = trips / 10
    }

    /// Sends and awaits the answer. Returns the nanoseconds that `trips` round trips took, warm-up left out.
    func ask() throws(WaitError) -> Double {
        var end = SideEnds(send: there, receive: back, exchange, context)
        var start = Clock.now()
        for trip in 0..<warmUpTrips + trips {
            if trip == warmUpTrips { start = Clock.now() }
            switch exchange {
            case .line:
                line.publish(UInt32(2 * trip + 1))
                try line.wait(for: UInt32(2 * trip + 2), context)
            case .values:
                try end.sendValue(trip)
                try end.receiveValue(trip + 1)
            case .tensors(_, let shape):
                try end.sendTensor(trip, shape)
                try end.receiveTensor(trip + 1, shape)
            }
        }
        return Double(Clock.now() - start)
    }

    /// Answers every message.
    func answer() throws(WaitError) -> Double {
        var end = SideEnds(send: back, receive: there, exchange, context)
        for trip in 0..<warmUpTrips + trips {
            switch exchange {
            case .line:
                try line.wait(for: UInt32(2 * trip + 1), context)
                line.publish(UInt32(2 * trip + 2))
            case .values:
                try end.receiveValue(trip)
                try end.sendValue(trip + 1)
            case .tensors(_, let shape):
                try end.receiveTensor(trip, shape)
                try end.sendTensor(trip + 1, shape)
            }
        }
        return 0
    }
}

/// One side's ends of both rings, and its own memory for sums.
private struct SideEnds: ~Copyable {
    private var producer: RingProducer
    private var consumer: RingConsumer
    private let context: WaitContext
    private let memory: Segment
    private let kernels: Kernels
    private let sums: Tensor

    init(send: RingStorage, receive: RingStorage, _ exchange: Exchange, _ context: WaitContext) {
        producer = RingProducer(send)
        consumer = RingConsumer(receive)
        self.context = context
        var layout = SegmentLayout()
        let workspace = layout.reserve(Kernels.workspaceShape())
        let row = layout.reserve(Shape(exchange.columns))
        guard let memory = try? Segment(bytes: layout.bytes, backing: .privateMemory) else {
            preconditionFailure("no memory for a benchmark's sums")
        }
        self.memory = memory
        kernels = Kernels(level: .best, workspace: memory.tensor(workspace, Kernels.workspaceShape()))
        sums = memory.tensor(row, Shape(exchange.columns))
    }

    mutating func sendValue(_ value: Int) throws(WaitError) { try producer.push(value, context) }

    mutating func receiveValue(_ value: Int) throws(WaitError) {
        let received = try consumer.pop(as: Int.self, context)
        precondition(received == value, "a message arrived changed")
    }

    mutating func sendTensor(_ value: Int, _ shape: Shape) throws(WaitError) {
        try producer.reserve(context).tensor(shape).fill(Float(value % 8))
        producer.commit()
    }

    mutating func receiveTensor(_ value: Int, _ shape: Shape) throws(WaitError) {
        let slot = try consumer.receive(context)
        sums.fill(0)
        kernels.addColumnSums(slot.tensor(shape).matrix, to: sums)
        consumer.release(slot)
        // Sums of small whole numbers: exact.
        let expected = Float(value % 8 * shape.rows)
        precondition(sums[0] == expected && sums[sums.count - 1] == expected, "a message arrived changed")
    }
}
