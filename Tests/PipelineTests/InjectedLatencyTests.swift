// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Hand-offs that are made slower than they are.
struct InjectedLatencyTests {
    private static let seconds = 0.003

    private func run(_ latency: InjectedLatency?) throws -> RunResult {
        try train(.decoder, .oneFOneB(ranks: 2, microbatches: 4)) {
            if let latency { $0.transport = latency.delaying(ThreadTransport()) }
        }
    }

    /// Seconds from hand-off to receipt, of every task that receives.
    private func waits(_ result: RunResult) -> [Double] {
        result.timedSteps.flatMap { step -> [Double] in
            let times = result.times(ofStep: step)
            return times.graph.senders.enumerated().flatMap { rank, lists in
                lists.enumerated().flatMap { task, senders in
                    senders.map { sender in
                        let sent = times.tasks[sender.rank][sender.task].sent
                        return Double(times.tasks[rank][task].received - sent) / 1e9
                    }
                }
            }
        }
    }

    @Test("no item is received before its time, and the bits stay the same") func latency() throws {
        let delayed = try run(InjectedLatency(seconds: Self.seconds))
        // Two steps of four forwards and four backwards.
        #expect(waits(delayed).count == 16)
        #expect(waits(delayed).allSatisfy { $0 >= Self.seconds })
        #expect(delayed.losses == (try run(nil)).losses)
    }

    @Test("jitter comes on top") func jitter() throws {
        let waits = waits(try run(InjectedLatency(seconds: Self.seconds, jitterSeconds: 0.02, seed: 7)))
        #expect(waits.allSatisfy { $0 >= Self.seconds })
        // That all 16 of up to 20 ms are below one would be a chance of 1 in 20 to the 16th.
        #expect(waits.contains { $0 > Self.seconds + 0.001 })
    }
}
