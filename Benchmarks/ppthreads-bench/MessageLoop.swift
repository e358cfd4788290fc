// SPDX-License-Identifier: Apache-2.0

import Threads

/// What both sides do over and over, whatever the messages travel through.
struct MessageLoop: Sendable {
    enum Pattern: Sendable {
        /// One message under way at a time: there, then back.
        case roundTrips
        /// The asking side only sends, the answering side only receives.
        case oneWay
    }

    var pattern = Pattern.roundTrips
    /// Round trips or messages that count; a tenth as many are made before, to warm up.
    let count: Int
    /// Whether to take the time of every round trip, at the cost of a look at the clock (about 25 ns) in each.
    var recordsTrips = false
    /// Whether each side works on memory of its own before it sends. That work is timed, to be taken off.
    var worksBetween = false

    private var warmUp: Range<Int> { 0..<count / 10 + 1 }
    private var counted: Range<Int> { warmUp.upperBound..<warmUp.upperBound + count }

    /// One side's whole part.
    func run<End: ExchangeEnd & ~Copyable>(_ side: Side, _ end: inout End) throws(End.Failure) -> LoopTimes {
        let work = worksBetween ? StageWork() : nil
        _ = try run(side, &end, work, warmUp)
        return try run(side, &end, work, counted)
    }

    private func run<End: ExchangeEnd & ~Copyable>(
        _ side: Side, _ end: inout End, _ work: StageWork?, _ range: Range<Int>
    ) throws(End.Failure) -> LoopTimes {
        switch (pattern, side) {
        case (.roundTrips, .asking): try ask(&end, work, range)
        case (.roundTrips, .answering): try answer(&end, work, range)
        case (.oneWay, .asking): try send(&end, range)
        case (.oneWay, .answering): try receive(&end, range)
        }
    }

    private func ask<End: ExchangeEnd & ~Copyable>(
        _ end: inout End, _ work: StageWork?, _ range: Range<Int>
    ) throws(End.Failure) -> LoopTimes {
        var times = LoopTimes()
        if recordsTrips { times.trips.reserveCapacity(range.count) }
        let start = Clock.now()
        var last = start
        for trip in range {
            if let work { times.work += work.run() }
            try end.send(2 * trip)
            try end.receive(2 * trip + 1)
            if recordsTrips {
                let now = Clock.now()
                times.trips.append(UInt32(clamping: now - last))
                last = now
            }
        }
        times.elapsed = Clock.now() - start
        return times
    }

    private func answer<End: ExchangeEnd & ~Copyable>(
        _ end: inout End, _ work: StageWork?, _ range: Range<Int>
    ) throws(End.Failure) -> LoopTimes {
        var times = LoopTimes()
        for trip in range {
            try end.receive(2 * trip)
            if let work { times.work += work.run() }
            try end.send(2 * trip + 1)
        }
        return times
    }

    private func send<End: ExchangeEnd & ~Copyable>(
        _ end: inout End, _ range: Range<Int>
    ) throws(End.Failure) -> LoopTimes {
        for number in range { try end.send(number) }
        return LoopTimes()
    }

    private func receive<End: ExchangeEnd & ~Copyable>(
        _ end: inout End, _ range: Range<Int>
    ) throws(End.Failure) -> LoopTimes {
        let start = Clock.now()
        for number in range { try end.receive(number) }
        return LoopTimes(elapsed: Clock.now() - start)
    }
}

/// What one side measured, in nanoseconds.
struct LoopTimes: Codable, Sendable {
    /// Of all messages together; 0 on a side that does not look at the clock.
    var elapsed: UInt64 = 0
    /// Of the work between messages.
    var work: UInt64 = 0
    /// Of each round trip, when recorded.
    var trips: [UInt32] = []
}

/// What both sides measured.
struct ExchangeTimes: Sendable {
    private let nanoseconds: UInt64
    private let count: Int
    /// Nanoseconds of each round trip, when recorded.
    let trips: [UInt32]

    init(loop: MessageLoop, asking: LoopTimes, answering: LoopTimes) {
        // One message is under way at a time: the sides' work never overlaps, and is part of what the asking side timed.
        let work = asking.work + answering.work
        nanoseconds = loop.pattern == .oneWay ? answering.elapsed : asking.elapsed - min(asking.elapsed, work)
        count = loop.count
        trips = asking.trips
    }

    /// Of one round trip, or of one message that goes one way.
    var nanosecondsEach: Double { Double(nanoseconds) / Double(count) }
}
