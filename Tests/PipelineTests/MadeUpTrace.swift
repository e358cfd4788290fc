// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import Threads

/// A run that never was, whose times are known.
///
/// Every task comes after all before it in the graph's order, 10 microseconds later, and waits, works and loses so many
/// nanoseconds.
struct MadeUpTrace {
    static let (input, room, work, finish) = (UInt64(101), UInt64(203), UInt64(3007), UInt64(59))
    let schedule: Schedule
    var recomputes = false
    /// Of the steps 0, a warm-up, 1 and 2, when rank 0 was released; rank 1 was 300 ns sooner.
    let releases: [UInt64] = [1_000_000, 5_000_300, 9_100_300]

    func begin(_ place: Int, step: Int) -> UInt64 { releases[step] + 10_000 * UInt64(place + 1) }

    func times(_ place: Int, step: Int, receives: Bool) -> TaskTimes {
        var times = TaskTimes()
        times.begin = begin(place, step: step)
        times.received = times.begin + (receives ? Self.input : 0)
        times.ready = times.received + Self.room
        times.end = times.ready + Self.work
        times.sent = times.end + Self.finish
        (times.lostBefore, times.lostWaiting) = (1000 + UInt64(place), 20)
        (times.lostWorking, times.lostFinishing) = (1009, 3)
        (times.inputWait, times.roomWait) = (receives ? .spun : .ready, place % 3 == 0 ? .parked : .ready)
        return times
    }

    func result() throws -> RunResult {
        var configuration = smallConfiguration(.decoder, schedule)
        configuration.batchSize = 6
        configuration.recomputes = recomputes
        (configuration.warmupSteps, configuration.measuredSteps) = (1, 2)
        (configuration.keepsWeights, configuration.keepsGradients) = (false, false)
        let plan = try RunPlan(configuration)
        let timeline = try Timeline(plan.graph, steps: 3, ThreadTransport())
        for step in releases.indices {
            for (place, node) in plan.graph.order.enumerated() {
                let receives = !plan.graph.senders(of: node).isEmpty
                timeline.record(
                    times(place, step: step, receives: receives), node.rank, step: step, task: node.task)
            }
        }
        let reports = (0..<2).map { rank -> RankReport in
            var report = RankReport(rank: rank, pinnings: [.free], cpu: rank)
            report.stepStart = releases.map { $0 - 300 * UInt64(rank) }
            report.stepEnd = releases.map { $0 + 400_000 + UInt64(rank) }
            return report
        }
        return RunResult(plan: plan, ranks: reports, timeline: timeline, began: 0, ended: 10_000_000)
    }

    typealias Event = [String: Any]

    /// The trace, as it is written.
    static func text(_ result: RunResult) throws -> String {
        ChromeTrace(result, try #require(RunFigures(result).timed)).text
    }

    /// Its events, read by another reader than the program's.
    static func events(_ result: RunResult) throws -> [Event] {
        let document = try JSONSerialization.jsonObject(with: Data(try text(result).utf8)) as? Event
        #expect(document?["displayTimeUnit"] as? String == "ms")
        return try #require(document?["traceEvents"] as? [Event])
    }

    /// Microseconds from the release into step 1, of which rank 1's is the first.
    static func microseconds(_ moment: UInt64) -> Double { (Double(moment) - 5_000_000) / 1000 }

    static func number(_ value: Any?) -> Double { value as? Double ?? (value as? Int).map(Double.init) ?? .nan }

    /// What a task is called in a trace.
    static func name(_ task: RankTask) -> String {
        switch task {
        case .pack: return "pack"
        case .update: return "update"
        case .share: return "share"
        case .sum: return "sum"
        case .collect: return "collect"
        case .action(let action):
            let letter =
                switch action.kind {
                case .forward: "F"
                case .backward: "B"
                case .backwardInput: "I"
                case .backwardWeights: "W"
                }
            return "\(letter)\(action.microbatch)"
        }
    }
}
