// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import Threads

/// The bars, arrows and moments in the trace of a run whose times are known: what they must be is what docs/trace.md
/// says.
struct ChromeTraceTests {
    private typealias Event = MadeUpTrace.Event

    private func events(_ result: RunResult) throws -> [Event] { try MadeUpTrace.events(result) }
    private func microseconds(_ moment: UInt64) -> Double { MadeUpTrace.microseconds(moment) }
    private func number(_ value: Any?) -> Double { MadeUpTrace.number(value) }
    private func name(_ task: RankTask) -> String { MadeUpTrace.name(task) }

    private func isNear(_ value: Any?, _ expected: Double) -> Bool { abs(number(value) - expected) < 1e-6 }

    @Test(
        "each task of each measured step has a bar with all of its times",
        arguments: [Schedule.zeroBubble(ranks: 2, microbatches: 2), .oneFOneB(ranks: 2, microbatches: 3)])
    func bars(schedule: Schedule) throws {
        let madeUp = MadeUpTrace(schedule: schedule)
        let result = try madeUp.result()
        let bars = try events(result).filter { $0["ph"] as? String == "X" && $0["cat"] as? String != "wait" }
        let graph = result.plan.graph
        #expect(bars.count == 2 * graph.order.count)
        for step in [1, 2] {
            for (place, node) in graph.order.enumerated() {
                let task = graph.tasks[node.rank][node.task]
                let receives = !graph.senders(of: node).isEmpty
                let times = madeUp.times(place, step: step, receives: receives)
                let bar = try #require(
                    bars.first {
                        let args = $0["args"] as! Event
                        return $0["tid"] as? Int == node.rank && args["task"] as? Int == node.task
                            && args["step"] as? Int == step
                    })
                let args = bar["args"] as! Event
                #expect(bar["name"] as? String == name(task) && bar["cat"] as? String == task.kind.rawValue)
                #expect(bar["pid"] as? Int == 0 && args["stage"] as? Int == task.stage)
                #expect(isNear(bar["ts"], microseconds(times.ready)) && isNear(bar["dur"], 3.007))
                let expected = [
                    "begin_us": microseconds(times.begin), "received_us": microseconds(times.received),
                    "sent_us": microseconds(times.sent), "cpu_us": 1.998, "lost_before_us": 1 + Double(place) / 1000,
                    "lost_waiting_us": 0.02, "lost_working_us": 1.009, "lost_finishing_us": 0.003,
                ]
                for (key, value) in expected { #expect(isNear(args[key], value), "\(task): \(key)") }
                #expect(args["input"] as? String == (receives ? "spun" : "ready"))
                #expect(args["room"] as? String == (place % 3 == 0 ? "parked" : "ready"))
                if case .action(let action) = task { #expect(args["microbatch"] as? Int == action.microbatch) }
            }
        }
    }

    @Test("a wait for input has a bar where it took time, and one for room where the rank waited") func waits() throws {
        let madeUp = MadeUpTrace(schedule: .gpipe(ranks: 2, microbatches: 2))
        let result = try madeUp.result()
        let waits = try events(result).filter { $0["cat"] as? String == "wait" && $0["ph"] as? String == "X" }
        let graph = result.plan.graph
        var expected: [String] = []
        for step in [1, 2] {
            for (place, node) in graph.order.enumerated() {
                let receives = !graph.senders(of: node).isEmpty
                let times = madeUp.times(place, step: step, receives: receives)
                if receives {
                    expected.append("\(node.rank) no input \(microseconds(times.begin).rounded()) 101 \(step)")
                }
                if place % 3 == 0 {
                    expected.append("\(node.rank) no room \(microseconds(times.received).rounded()) 203 \(step)")
                }
            }
        }
        let found = waits.map { wait in
            let step = (wait["args"] as! Event)["step"] as! Int
            let length = Int((number(wait["dur"]) * 1000).rounded())
            return "\(wait["tid"]!) \(wait["name"]!) \(number(wait["ts"]).rounded()) \(length) \(step)"
        }
        #expect(found.sorted() == expected.sorted())
    }

    @Test("an arrow goes from the end of the sender's work to the start of the receiver's, one for each hand-off")
    func arrows() throws {
        let madeUp = MadeUpTrace(schedule: .gpipe(ranks: 2, microbatches: 2))
        let result = try madeUp.result()
        let graph = result.plan.graph
        func place(_ node: TaskGraph.Node) -> Int { graph.order.firstIndex(of: node)! }
        var expected: [[Double]] = []
        for step in [1, 2] {
            for node in graph.order {
                guard let sender = graph.senders(of: node).first else { continue }
                let sent = !graph.senders(of: sender).isEmpty
                let from = madeUp.times(place(sender), step: step, receives: sent)
                let to = madeUp.times(place(node), step: step, receives: true)
                expected.append([
                    Double(sender.rank), microseconds(from.end), Double(node.rank), microseconds(to.ready),
                ])
            }
        }
        var ends: [String: [String: Event]] = [:]
        for event in try events(result) where event["name"] as? String == "hand-off" {
            ends[event["id"] as! String, default: [:]][event["ph"] as! String] = event
        }
        let found = ends.values.map { ends in
            [ends["s"]!["tid"], ends["s"]!["ts"], ends["f"]!["tid"], ends["f"]!["ts"]].map { number($0) }
        }
        // Two hand-offs a microbatch: F to rank 1, and B back.
        #expect(expected.count == 8 && found.count == 8)
        for arrow in expected {
            #expect(found.contains { zip($0, arrow).allSatisfy { abs($0 - $1) < 1e-6 } }, "\(arrow)")
        }
        #expect(ends.values.allSatisfy { $0["f"]?["bp"] as? String == "e" && $0["s"]?["bp"] == nil })
    }

    @Test("moments: each step's release and its end, with terms that add up to what lies between") func moments() throws
    {
        let result = try MadeUpTrace(schedule: .oneFOneB(ranks: 2, microbatches: 2)).result()
        let moments = try events(result).filter { $0["ph"] as? String == "i" }
        #expect(moments.compactMap { $0["name"] as? String } == ["released", "step end", "released", "step end"])
        #expect(moments.allSatisfy { $0["s"] as? String == "g" })
        // The first release of step 2 is 4.1 ms after that of step 1; steps end 400 us after rank 0's, at rank 1.
        for (moment, expected) in zip(moments, [0, 400.301, 4100, 4500.301]) { #expect(isNear(moment["ts"], expected)) }
        #expect(moments.map { ($0["args"] as! Event)["step"] as? Int } == [1, 1, 2, 2])
        let terms = moments[1]["args"] as! Event
        let sum = ["work", "imbalance", "bubble", "oversubscription", "transport", "reduction", "optimizer"].reduce(0) {
            $0 + number(terms["\($1)_us"])
        }
        #expect(abs(sum - 400.301) < 1e-6)
        // Rank 1 has as many tasks as rank 0, and all the same length.
        #expect(isNear(terms["work_us"], 5 * 1.998) && isNear(terms["imbalance_us"], 0))
    }
}
