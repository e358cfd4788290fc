// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing

/// The page of `schedule --html`, and the orders that it holds.
struct WrittenPage {
    /// As `PageOrders` writes them.
    struct Orders: Decodable {
        let orders: [Order]
        let first: String
        let other: String?
    }
    struct Order: Decodable {
        let key, title: String
        let virtualStages: Int
        let sizes: [Size]
        var kind: ScheduleKind? { ScheduleKind(rawValue: String(key.split(separator: ":")[0])) }
    }
    struct Size: Decodable {
        let ranks, microbatches: Int
        let refusal, rounding: String?
        let rankOfStage: [Int]
        let actions: [String]
    }

    let path, text: String
    /// What the command says of it.
    let output: String
    let orders: Orders

    /// - Parameter arguments: after `schedule`, without `--html`.
    init(_ arguments: [String], in folder: Folder) throws {
        path = folder.path("page.html")
        let outcome = try Command.run(["schedule"] + arguments + ["--html", path])
        try #require(outcome.code == 0, "\(outcome.errors)")
        output = outcome.output
        text = try String(contentsOfFile: path, encoding: .utf8)
        orders = try Self.orders(of: text)
    }

    /// Those that any page with drawings of orders holds.
    static func orders(of text: String) throws -> Orders {
        let start = try #require(text.firstRange(of: "<script type=\"application/json\" id=\"orders\">"))
        let json = text[start.upperBound...].prefix { $0 != "<" }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Orders.self, from: Data(json.utf8))
    }

    /// Every order that the page has, of each size that makes one.
    var schedules: [(key: String, schedule: Schedule)] {
        orders.orders.flatMap { order in
            order.sizes.filter { $0.refusal == nil }.map { size in
                (order.key, order.kind!.make(size, order.virtualStages))
            }
        }
    }
}

extension ScheduleKind {
    func make(_ size: WrittenPage.Size, _ virtualStages: Int) -> Schedule {
        make(ranks: size.ranks, virtualStages: virtualStages, microbatches: size.microbatches)
    }
}

/// Times as one chooses them on the page.
struct PageCosts: Encodable, Sendable {
    var forward = 1.0
    var input = 1.0
    var weights = 1.0
    var handoff = 0.0
    var isOfStage = false
    var slow: Int?
    var slowness = 2.0

    static let cases = [
        PageCosts(), PageCosts(forward: 0.7, input: 1.1, weights: 0.3, handoff: 0.13),
        PageCosts(forward: 1, input: 1.8, weights: 0.2, handoff: 0.5, isOfStage: true),
        PageCosts(forward: 0, input: 1, weights: 0),
        PageCosts(forward: 0.9, input: 1.2, weights: 0.8, slow: 1, slowness: 1.7),
    ]

    /// The same as an order's costs, but for the slow rank.
    func costs(of schedule: Schedule) -> ChunkCosts {
        let share = isOfStage ? 1 : Double(schedule.ranks) / Double(schedule.stagesOfCopy)
        return ChunkCosts(
            forward: forward * share, inputGradient: input * share, weightGradient: weights * share, handOff: handoff)
    }

    /// For each rank and action, when it begins; and the makespan.
    func times(of schedule: Schedule) throws -> (start: [[Double]], makespan: Double) {
        let costs = costs(of: schedule)
        guard let slow else {
            let times = try OrderTimes(schedule, costs)
            return (times.start, times.makespan)
        }
        let graph = try TaskGraph(schedule)
        let durations = graph.tasks.enumerated().map { rank, tasks in
            tasks.map { task in
                guard case .action(let action) = task else { return 0.0 }
                return costs.duration(action.kind) * (rank == slow ? slowness : 1)
            }
        }
        let replay = Replay(graph, durations: durations)
        let start = zip(graph.tasks, replay.start).map { tasks, start in
            zip(tasks, start).compactMap { task, start in if case .action = task { start } else { nil } }
        }
        return (start, replay.makespan)
    }
}
