// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// Hand-offs between two sides with a CPU each, beside the bare cache line and beside what the operating system offers.
struct RingBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    /// 128 tokens of 240 columns, fp32: what the reference workload hands on at M = 4.
    private static let activation = Exchange.Message.tensor(Shape(128, 240))
    private static let slotCounts = [1, 2, 4, 16, 32]

    func run() throws(BenchmarkError) {
        let cpus = try twoCPUs()
        let trips = try measure(smallTrips, cpus)
        print(trips.table)
        print(trips.distance + "\n")
        for section in [rate, tensors, tensorsBetweenWork, parked] { print(try measure(section, cpus).table + "\n") }
    }

    // MARK: What is measured

    private var smallTrips: RingSection {
        let rings = [Exchange.Message.number, .numberReleasedLate].flatMap { message in
            [2, 16].flatMap { onBoth(small(.rings(slots: $0), message)) }
        }
        return RingSection(
            title: "8 bytes, round trip", unit: .nanoseconds,
            exchanges: [small(.line, workers: .processes)] + onBoth(small(.twoLines)) + rings
                + wires(.number, MessageLoop(count: effort.isShort ? 20 : 2_000, recordsTrips: true)))
    }

    private var rate: RingSection {
        let loop = MessageLoop(pattern: .oneWay, count: effort.isShort ? 5_000 : 2_000_000)
        return RingSection(
            title: "8-byte items, one way (the line: round trips)", unit: .millionsPerSecond,
            exchanges: onBoth(Exchange(medium: .rings(slots: 1024), loop: loop)))
    }

    private var tensors: RingSection {
        let loop = MessageLoop(count: effort.isShort ? 20 : 2_000)
        return RingSection(
            title: "122880 bytes, written and summed, in a ring in place, else copied; round trip",
            unit: .microseconds, exchanges: tensorExchanges(loop, wireCount: effort.isShort ? 5 : 500))
    }

    private var tensorsBetweenWork: RingSection {
        let loop = MessageLoop(count: effort.isShort ? 5 : 500, worksBetween: true)
        return RingSection(
            title: "the same, each side going over 1.5 MiB of its own before it sends, timed and taken off",
            unit: .microseconds, exchanges: tensorExchanges(loop, wireCount: effort.isShort ? 5 : 300))
    }

    private var parked: RingSection {
        let loop = MessageLoop(count: effort.isShort ? 20 : 1_000, recordsTrips: true)
        let ring = Exchange(medium: .rings(slots: 2), patience: .sharedCPU, loop: loop)
        return RingSection(
            title: "8 bytes, round trip, both sides sleep without a spin", unit: .microseconds, exchanges: onBoth(ring))
    }

    private func tensorExchanges(_ loop: MessageLoop, wireCount: Int) -> [Exchange] {
        let rings = Self.slotCounts.flatMap {
            onBoth(Exchange(medium: .rings(slots: $0), message: Self.activation, loop: loop))
        }
        let wireLoop = MessageLoop(count: wireCount, worksBetween: loop.worksBetween)
        return rings + wires(Self.activation, wireLoop)
    }

    private func onBoth(_ exchange: Exchange) -> [Exchange] {
        [TransportKind.threads, .processes].map {
            var exchange = exchange
            exchange.workers = $0
            return exchange
        }
    }

    private func wires(_ message: Exchange.Message, _ loop: MessageLoop) -> [Exchange] {
        WireKind.allCases.map {
            Exchange(medium: .wire($0), message: message, workers: .processes, loop: loop)
        }
    }

    // MARK: How

    private func measure(_ section: RingSection, _ cpus: [Int]) throws(BenchmarkError) -> RingTable {
        try RingTable(section, small(.line), cpus, rounds: effort.rounds)
    }

    private func small(
        _ medium: Exchange.Medium, _ message: Exchange.Message = .number, workers: TransportKind = .threads
    ) -> Exchange {
        Exchange(
            medium: medium, message: message, workers: workers, places: effort.isShort ? 1 : 20,
            loop: MessageLoop(count: effort.isShort ? 500 : 5_000))
    }

    private func twoCPUs() throws(BenchmarkError) -> [Int] {
        let order: [Int]
        do throws(SystemError) { order = try Topology.current().fillOrder } catch {
            throw .failed(error.description)
        }
        guard order.count >= 2 else { throw .failed("two CPUs are needed, and this program may use only one") }
        return Array(order.prefix(2))
    }
}
