// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing
import Threads

/// Hand-offs that are made slower than they are.
struct InjectedLinkTests {
    private static let seconds = 0.003

    private func run(_ link: InjectedLink?) throws -> RunResult {
        try train(.decoder, .oneFOneB(ranks: 2, microbatches: 4)) {
            if let link { $0.transport = link.delaying(ThreadTransport()) }
        }
    }

    /// Seconds from hand-off to receipt, of every task that receives.
    private func waits(_ result: RunResult) -> [Double] {
        result.timedSteps.flatMap { step -> [Double] in
            let times = result.times(ofStep: step)
            return times.graph.order.flatMap { node in
                times.graph.senders(of: node).map { sender in
                    let sent = times.tasks[sender.rank][sender.task].sent
                    return Double(times.tasks[node.rank][node.task].received - sent) / 1e9
                }
            }
        }
    }

    @Test("no item is received before its time, and the bits stay the same") func latency() throws {
        let delayed = try run(InjectedLink(LinkCost(latency: Self.seconds)))
        // Two steps of four forwards and four backwards.
        #expect(waits(delayed).count == 16)
        #expect(waits(delayed).allSatisfy { $0 >= Self.seconds })
        #expect(delayed.losses == (try run(nil)).losses)
    }

    @Test("jitter comes on top") func jitter() throws {
        let waits = waits(try run(InjectedLink(LinkCost(latency: Self.seconds), jitterSeconds: 0.02, seed: 7)))
        #expect(waits.allSatisfy { $0 >= Self.seconds })
        // That all 16 of up to 20 ms are below one would be a chance of 1 in 20 to the 16th.
        #expect(waits.contains { $0 > Self.seconds + 0.001 })
    }

    @Test("what a rank hands on leaves it one item after the other, whichever edge it takes") func rate() throws {
        // Items of 1000 and 500 bytes at 100 000 bytes a second: the first has left after 10 ms, the second after 15, the third
        // after 25. What rank 2 sends meanwhile leaves by itself.
        let edges = [(0, 1, 250), (0, 2, 125), (2, 1, 250)].map { from, to, count in
            Edge(from: from, to: to, shape: Shape(count), slots: 2)
        }
        let link = InjectedLink(LinkCost(latency: Self.seconds, bytesPerSecond: 100_000))
        let links = try link.delaying(ThreadTransport()).connect(edges)
        let (senders, receivers) = (edges.map(links.sender), edges.map(links.receiver))
        let wait = Wait()
        let start = Clock.now()
        for edge in [0, 1, 0, 2] {
            let item = try senders[edge].reserve(wait.context)
            item[0] = Float(edge)
            _ = try senders[edge].commit(wait.context)
        }
        func milliseconds(_ edge: Int) throws -> Double {
            let delivery = try receivers[edge].receive(wait.context)
            #expect(delivery.tensor.count == edges[edge].shape.count && delivery.tensor[0] == Float(edge))
            receivers[edge].release(delivery)
            return Double(Clock.now() - start) / 1e6
        }
        #expect(try milliseconds(2) >= 13)
        #expect(try milliseconds(0) >= 13)
        #expect(try milliseconds(1) >= 18)
        #expect(try milliseconds(0) >= 28)
    }
}
