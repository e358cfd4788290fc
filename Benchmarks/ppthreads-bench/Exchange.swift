// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// Messages between two sides that have a CPU each: through what, of which kind, and how many.
struct Exchange: Sendable, CustomStringConvertible {
    enum Medium: Sendable {
        /// One cache line that both sides write in turn: the least that any hand-off costs.
        case line
        /// A line for each direction: the least that two rings can cost.
        case twoLines
        /// A ring there and a ring back.
        case rings(slots: Int)
        /// Blocking reads and writes of a pair of descriptors; between processes only.
        case wire(WireKind)
    }

    enum Message: Equatable, Sendable {
        /// Eight bytes.
        case number
        /// Eight bytes whose slot is given back after the next message has been sent.
        case numberReleasedLate
        /// Filled by its sender and summed by its receiver; in a ring's slot in place, else in memory of their own.
        case tensor(Shape)
    }

    let medium: Medium
    var message = Message.number
    var workers = TransportKind.threads
    /// Of the line and of the rings.
    var patience = Patience.ownCPU
    /// How many places in memory are tried in turn. What a line costs depends on its address, since each has a home in
    /// one slice of the last-level cache, near or far: one place tells little, and makes even equals differ by a third.
    var places = 1
    var loop: MessageLoop

    var description: String {
        let name =
            switch medium {
            case .line: "bare cache line"
            case .twoLines: "two cache lines"
            case .rings(let slots): "rings of \(slots)"
            case .wire(let kind): kind.rawValue
            }
        let late = message == .numberReleasedLate ? ", released late" : ""
        return "\(name)\(late), \(workers.rawValue)"
    }

    /// Nanoseconds of a round trip, or of a message that goes one way: the mean over places.
    func measure(on cpus: [Int], trips: inout [UInt32]) throws(BenchmarkError) -> Double {
        var sum = 0.0
        for _ in 0..<places {
            let times = try run(on: cpus)
            sum += times.nanosecondsEach
            trips += times.trips
        }
        return sum / Double(places)
    }

    /// Starts both sides and waits for them.
    private func run(on cpus: [Int]) throws(BenchmarkError) -> ExchangeTimes {
        do {
            switch medium {
            case .line: return try run(on: cpus) { [memory = try memory(slots: 1)] _ in memory.oneLineEnd }
            case .twoLines: return try run(on: cpus) { [memory = try memory(slots: 1)] in memory.twoLinesEnd($0) }
            case .rings(let slots): return try run(on: cpus, through: try memory(slots: slots))
            case .wire(let kind): return try run(on: cpus, through: try Wire(kind))
            }
        } catch {
            throw .failed("\(self): \(error)")
        }
    }

    private func memory(slots: Int) throws(SegmentError) -> RingMemory {
        let payloadBytes = if case .tensor(let shape) = message { shape.count * 4 } else { 8 }
        return try RingMemory(
            workers.transport, RingLayout(capacity: slots, payloadBytes: payloadBytes), patience,
            linesBefore: Int.random(in: 0..<4096))
    }

    private func run(on cpus: [Int], through memory: RingMemory) throws -> ExchangeTimes {
        switch message {
        case .number: try run(on: cpus) { memory.numberEnd($0) }
        case .numberReleasedLate: try run(on: cpus) { memory.lateNumberEnd($0) }
        case .tensor(let shape): try run(on: cpus) { memory.tensorEnd($0, shape) }
        }
    }

    private func run(on cpus: [Int], through wire: Wire) throws -> ExchangeTimes {
        // Once both have started: a side whose peer is gone reads the end of the stream instead of waiting for ever.
        let shape = if case .tensor(let shape) = message { shape } else { Shape(1, 2) }
        return try run(on: cpus, onceStarted: wire.close) { WireEnd(wire, $0, shape) }
    }

    /// The answering side starts first, so that the asking one finds it there or soon.
    private func run<End: ExchangeEnd & ~Copyable>(
        on cpus: [Int], onceStarted: () -> Void = {}, makeEnd: @escaping @Sendable (Side) -> End
    ) throws -> ExchangeTimes {
        let loop = loop
        let body: @Sendable (Side) throws(End.Failure) -> LoopTimes = { side throws(End.Failure) in
            var end = makeEnd(side)
            return try loop.run(side, &end)
        }
        let transport = workers.transport
        let answering = try transport.start(name: "answers", cpu: cpus[1]) { _ throws(End.Failure) in
            try body(.answering)
        }
        let asked = Result {
            let asking = try transport.start(name: "asks", cpu: cpus[0]) { _ throws(End.Failure) in
                try body(.asking)
            }
            onceStarted()
            return try asking.join()
        }
        if case .failure = asked { answering.kill() }
        let answered = Result { try answering.join() }
        return ExchangeTimes(loop: loop, asking: try asked.get(), answering: try answered.get())
    }
}

/// Who sends first.
enum Side: Sendable {
    case asking, answering
}

/// One side's end of what messages travel through. Each message carries its number, which its receiver checks.
protocol ExchangeEnd: ~Copyable, SendableMetatype {
    associatedtype Failure: Error & Codable & Sendable
    mutating func send(_ number: Int) throws(Failure)
    mutating func receive(_ number: Int) throws(Failure)
}
