// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// Exchanges that are compared with each other.
struct RingSection {
    enum Unit: String {
        case nanoseconds = "ns"
        case microseconds = "us"
        case millionsPerSecond = "millions a second"

        func figure(_ nanoseconds: Double) -> Double {
            switch self {
            case .nanoseconds: nanoseconds
            case .microseconds: nanoseconds / 1000
            case .millionsPerSecond: 1000 / nanoseconds
            }
        }
    }

    let title: String
    let unit: Unit
    let exchanges: [Exchange]
}

/// A section measured in alternation with the bare cache line, which has its turn first in every round.
struct RingTable {
    private let section: RingSection
    private let names: [String]
    private let rounds: Int
    private let figures: Alternation
    private let trips: TripTimes

    init(_ section: RingSection, _ line: Exchange, _ cpus: [Int], rounds: Int) throws(BenchmarkError) {
        let exchanges = [line] + section.exchanges
        let trips = TripTimes(exchanges.count)
        let candidates = exchanges.enumerated().map { index, exchange in
            Alternation.Candidate(name: "\(exchange)") { () throws(BenchmarkError) in
                section.unit.figure(try exchange.measure(on: cpus, trips: &trips.nanoseconds[index]))
            }
        }
        figures = try Alternation(candidates, rounds: rounds, unit: section.unit.rawValue)
        self.section = section
        self.rounds = rounds
        self.trips = trips
        names = exchanges.map(\.description)
    }

    /// Where the system has put the two CPUs. The fastest round is what other programs' load moves least. Of a section in
    /// nanoseconds.
    var distance: String {
        let line = figures.samples(0)
        let fastest = "\(line.min.short) in the fastest round"
        return "the two CPUs are \(line.withQuartiles) ns apart, there and back; \(fastest)"
    }

    /// A title and a line for each exchange: median, ratio to the bare line, and single trips where they were timed.
    var table: String {
        var lines = ["\(section.title), \(section.unit.rawValue); \(rounds) rounds; x: over the bare cache line's"]
        let width = names.map(\.count).max()! + 2
        for (index, name) in names.enumerated() {
            var line = name.padded(to: width) + figures.median(index).short.padded(to: 8)
            if index > 0 { line += "x\(figures.ratio(index, over: 0).withQuartiles)".padded(to: 26) }
            if let trips = trips.summary(index, section.unit) { line += trips }
            while line.last == " " { line.removeLast() }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }
}

/// The single round trips of all rounds.
private final class TripTimes {
    /// [exchange][round trip]
    var nanoseconds: [[UInt32]]

    init(_ exchanges: Int) { nanoseconds = Array(repeating: [], count: exchanges) }

    func summary(_ exchange: Int, _ unit: RingSection.Unit) -> String? {
        if nanoseconds[exchange].isEmpty { return nil }
        let trips = Statistics(nanoseconds[exchange].map { unit.figure(Double($0)) })
        return "single trips: p50 \(trips.median.short), p99 \(trips.quantile(0.99).short), max \(trips.max.short)"
    }
}

extension String {
    /// The same with the text at the end.
    func paddedLeft(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
