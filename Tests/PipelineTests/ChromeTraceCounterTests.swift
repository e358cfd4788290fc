// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pipeline
import Testing
import Threads

/// The counters in such a trace, and what is read back from it.
struct ChromeTraceCounterTests {
    private typealias Event = MadeUpTrace.Event

    private func events(_ result: RunResult) throws -> [Event] { try MadeUpTrace.events(result) }
    private func microseconds(_ moment: UInt64) -> Double { MadeUpTrace.microseconds(moment) }
    private func number(_ value: Any?) -> Double { MadeUpTrace.number(value) }
    private func name(_ task: RankTask) -> String { MadeUpTrace.name(task) }

    private func counter(_ events: [Event], _ name: String, _ unit: String) -> [(Double, Int)] {
        events.filter { $0["ph"] as? String == "C" && $0["name"] as? String == name }.map {
            (number($0["ts"]), ($0["args"] as! [String: Int])[unit]!)
        }
    }

    @Test("memory: what a forward keeps and what the weights' gradient needs rise and fall with their tasks")
    func memory() throws {
        // By Golden/memory_by_hand.py: a forward of stage 0 keeps 35840 bytes and of stage 1 39928, and weights' gradients need
        // 30264 and 30272 more.
        let madeUp = MadeUpTrace(schedule: .zeroBubble(ranks: 2, microbatches: 2))
        let result = try madeUp.result()
        let events = try events(result)
        let graph = result.plan.graph
        for (rank, order, levels) in [
            (0, ["F0", "F1", "I0", "W0", "I1", "W1"], [35840, 71680, 101944, 35840, 66104, 0]),
            (1, ["F0", "I0", "F1", "I1", "W0", "W1"], [39928, 70200, 110128, 140400, 70200, 0]),
        ] {
            let changes = counter(events, "rank \(rank) activation bytes", "bytes")
            #expect(changes.map(\.1) == levels + levels)
            var moments: [Double] = []
            for step in [1, 2] {
                for (place, node) in graph.order.enumerated() where node.rank == rank {
                    let label = name(graph.tasks[rank][node.task])
                    guard order.contains(label) else { continue }
                    let receives = !graph.senders(of: node).isEmpty
                    let times = madeUp.times(place, step: step, receives: receives)
                    moments.append(microseconds(label.hasPrefix("W") ? times.end : times.ready))
                }
            }
            #expect(zip(changes, moments).allSatisfy { abs($0.0 - $1) < 1e-6 } && changes.count == moments.count)
        }
    }

    @Test("memory of a run that recomputes begins with the frames that are there all the time") func recomputing()
        throws
    {
        let result = try MadeUpTrace(schedule: .gpipe(ranks: 2, microbatches: 2), recomputes: true).result()
        let events = try events(result)
        let first = counter(events, "rank 0 activation bytes", "bytes")
        #expect(first.map(\.1) == Array(repeating: 36928, count: 9) && first.first?.0 == 0)
        // 1080 bytes of input for each of two microbatches.
        let step = [39928, 41008, 39928, 38848]
        let second = counter(events, "rank 1 activation bytes", "bytes")
        #expect(second.map(\.1) == [38848] + step + step && second.first?.0 == 0)
    }

    @Test("an item is on its edge from its hand-off until its receiver has done with the microbatch") func items()
        throws
    {
        let madeUp = MadeUpTrace(schedule: .gpipe(ranks: 2, microbatches: 2))
        let result = try madeUp.result()
        let events = try events(result)
        // Both forwards are handed on before the first backward ends; gradients come back as they are made.
        #expect(counter(events, "ring from stage 0 to 1", "items").map(\.1) == [1, 2, 1, 0, 1, 2, 1, 0])
        let graph = result.plan.graph
        let back = counter(events, "ring from stage 1 to 0", "items")
        var changes: [(Double, Int)] = []
        for step in [1, 2] {
            for (place, node) in graph.order.enumerated() {
                guard case .action(let action) = graph.tasks[node.rank][node.task], action.kind == .backward else {
                    continue
                }
                let times = madeUp.times(place, step: step, receives: !graph.senders(of: node).isEmpty)
                changes.append(
                    node.rank == 1 ? (microseconds(times.sent), 1) : (microseconds(times.end), -1))
            }
        }
        var (sum, levels) = (0, [Int]())
        for change in changes.sorted(by: { $0.0 < $1.0 }) {
            sum += change.1
            levels.append(sum)
        }
        #expect(back.map(\.1) == levels && levels.max()! > 0)
        #expect(zip(back, changes.sorted { $0.0 < $1.0 }).allSatisfy { abs($0.0 - $1.0) < 1e-6 })
    }

    // MARK: Reading it back

    @Test("what is read back are the bars that were written") func readBack() throws {
        let result = try MadeUpTrace(schedule: .zeroBubble(ranks: 2, microbatches: 2)).result()
        let folder = try Folder()
        let path = folder.url.appending(path: "trace").path
        let text = try MadeUpTrace.text(result)
        try Data(text.utf8).write(to: URL(filePath: path))
        let file = try TraceFile(path: path)
        #expect(file.ranks == 2 && file.steps == [1, 2])
        let written = try events(result).filter { $0["ph"] as? String == "X" }
        #expect(file.spans.count == written.count)
        for (span, event) in zip(file.spans, written) {
            let args = event["args"] as! Event
            #expect(span.rank == event["tid"] as? Int && span.step == args["step"] as? Int)
            #expect(span.name == event["name"] as? String && span.category == event["cat"] as? String)
            #expect(span.isWait == (event["cat"] as? String == "wait"))
            #expect(span.start == number(event["ts"]) && span.duration == number(event["dur"]))
            #expect(span.end == span.start + span.duration)
        }
    }
}
