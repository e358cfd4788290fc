// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// What a replay makes of hand-offs that cost something, worked out by hand.
struct ReplayLinkTests {
    /// Two forwards of 3 s on rank 0, of 1 s on rank 1.
    private func makespan(latency: Double, transfer: Double) throws -> Double {
        let graph = try TaskGraph(Schedule.gpipe(ranks: 2, microbatches: 2).forwardOnly())
        let link = Replay.Link(graph, latency: latency) { _ in transfer }
        return Replay(graph, durations: [[3, 3], [1, 1]], link: link).makespan
    }

    @Test("items leave one after the other, and arrive a latency later") func link() throws {
        // The first is handed on at 3, has left at 7 and is there at 9; the second, ready at 6, leaves from 7 to 11, is there at 13.
        #expect(try makespan(latency: 2, transfer: 4) == 14)
        // Two that leave at once: the second is handed on at 6, is there at 8.
        #expect(try makespan(latency: 2, transfer: 0) == 9)
        #expect(try makespan(latency: 0, transfer: 0) == 7)
        // Only what leaves waits for what left before: 3 to 8, 8 to 13.
        #expect(try makespan(latency: 0, transfer: 5) == 14)
    }

    @Test("both directions of a step have a link of their own") func directions() throws {
        // F 1 s, B 2 s, latency 10 s: F0 0-1, F0' 11-12, B0' 12-14, B0 24-26.
        let graph = try TaskGraph(Schedule.oneFOneB(ranks: 2, microbatches: 1))
        let durations = graph.tasks.map { list in
            list.map { task -> Double in
                guard case .action(let action) = task else { return 0 }
                return action.kind == .forward ? 1 : 2
            }
        }
        let link = Replay.Link(graph, latency: 10) { _ in 0 }
        #expect(Replay(graph, durations: durations, link: link).makespan == 26)
        // With transfers of 5 s and 3 s: F0 has left at 6, is there at 16, B0' ends at 19, has left at 22, is there at 32.
        let slow = Replay.Link(graph, latency: 10) { task in
            if case .action(let action) = task, action.kind == .forward { 5 } else { 3 }
        }
        #expect(Replay(graph, durations: durations, link: slow).makespan == 34)
    }
}
