import Pipeline
import SharedTensor
import Threads

/// Round trips between two ranks with a CPU each: one sends, the other answers.
struct RingBenchmark {
    private let effort: Effort

    init(_ effort: Effort) { self.effort = effort }

    /// 128 tokens of 240 columns, fp32: what the reference workload hands on at M = 4.
    private static let activation = Shape(128, 240)

    func run() throws(BenchmarkError) {
        let cpus = try twoCPUs()
        try compare(
            [.line, .values(slots: 2), .values(slots: 16)], cpus, trips: effort.isShort ? 500 : 100_000,
            title: "8 bytes, round trip", unit: "ns")
        try compare(
            [1, 2, 4, 16, 32].map { .tensors(slots: $0, Self.activation) }, cpus, trips: effort.isShort ? 50 : 2_000,
            title: "\(Self.activation.count * 4) bytes, written and summed in place, round trip", unit: "us")
    }

    /// Runs each exchange on threads and on processes; ratios are to the first one on threads.
    private func compare(
        _ exchanges: [Exchange], _ cpus: [Int], trips: Int, title: String, unit: String
    ) throws(BenchmarkError) {
        let candidates = exchanges.flatMap { exchange in
            TransportKind.allCases.map { kind in
                Alternation.Candidate(name: "\(exchange), \(kind.rawValue)") { () throws(BenchmarkError) in
                    try roundTripNanoseconds(exchange, kind.transport, cpus, trips) / (unit == "us" ? 1000 : 1)
                }
            }
        }
        let alternation = try Alternation(candidates, rounds: effort.rounds, unit: unit)
        print("\(title); \(effort.rounds) rounds\n\(alternation.table)\n")
    }

    private func twoCPUs() throws(BenchmarkError) -> [Int] {
        let order: [Int]
        do throws(SystemError) { order = try Topology.current().fillOrder } catch {
            throw .failed(error.description)
        }
        guard order.count >= 2 else { throw .failed("two CPUs are needed, and this program may use only one") }
        return Array(order.prefix(2))
    }

    private func roundTripNanoseconds(
        _ exchange: Exchange, _ transport: any Transport, _ cpus: [Int], _ trips: Int
    ) throws(BenchmarkError) -> Double {
        do {
            let sides = try ExchangeSides(exchange, transport, trips: trips)
            let answering = try transport.start(name: "answers", cpu: cpus[1]) { _ throws(WaitError) in
                try sides.answer()
            }
            let asking = try transport.start(name: "asks", cpu: cpus[0]) { _ throws(WaitError) in try sides.ask() }
            let nanoseconds = Result { try asking.join() }
            _ = try answering.join()
            return try nanoseconds.get() / Double(trips)
        } catch {
            throw .failed("\(exchange) on \(transport.name): \(error)")
        }
    }
}

/// What a message travels through.
enum Exchange: CustomStringConvertible, Sendable {
    /// One cache line that both sides write in turn: the least that any hand-off costs.
    case line
    /// A ring there and a ring back, eight bytes a message.
    case values(slots: Int)
    /// The same with a tensor for a message, filled by its sender and summed by its receiver in the ring.
    case tensors(slots: Int, Shape)

    var description: String {
        switch self {
        case .line: "bare cache line"
        case .values(let slots), .tensors(let slots, _): "rings of \(slots)"
        }
    }

    /// Of one of the two rings.
    var ring: RingLayout {
        switch self {
        case .line: RingLayout(capacity: 1, payloadBytes: 0)
        case .values(let slots): RingLayout(capacity: slots, payloadBytes: 8)
        case .tensors(let slots, let shape): RingLayout(capacity: slots, payloadBytes: shape.count * 4)
        }
    }

    /// Columns of a message.
    var columns: Int {
        if case .tensors(_, let shape) = self { shape.columns } else { 1 }
    }
}
