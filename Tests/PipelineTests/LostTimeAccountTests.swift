// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// A step in which every interval of a rank loses something, all of it different. Worked out by hand, as docs/trace.md says.
struct LostTimeAccountTests {
    /// In microseconds; the step is released at 1000.
    private func task(
        _ moments: (begin: UInt64, received: UInt64, ready: UInt64, end: UInt64, sent: UInt64),
        before: UInt64 = 0, waiting: UInt64 = 0, working: UInt64 = 0, finishing: UInt64 = 0
    ) -> TaskTimes {
        var times = TaskTimes()
        (times.begin, times.received, times.ready) =
            (moments.begin * 1000, moments.received * 1000, moments.ready * 1000)
        (times.end, times.sent) = (moments.end * 1000, moments.sent * 1000)
        (times.lostBefore, times.lostWaiting) = (before * 1000, waiting * 1000)
        (times.lostWorking, times.lostFinishing) = (working * 1000, finishing * 1000)
        return times
    }

    /// GPipe of one microbatch on two ranks.
    private func step(firstReceived: UInt64 = 1140) throws -> StepTimes {
        let tasks = [
            [
                // F0, packing, B0 (whose rank lost far more than the time in which its input was there), update.
                task((1003, 1003, 1010, 1110, 1125), before: 2, waiting: 4, working: 30, finishing: 11),
                task((1131, 1131, 1132, 1150, 1150), before: 5),
                task((1153, 1480, 1482, 1600, 1600), waiting: 9000, working: 8),
                task((1605, 1605, 1606, 1650, 1650), before: 3, working: 6),
            ],
            [
                // Packing, F0, B0, update.
                task((1001, 1001, 1002, 1030, 1030)),
                task((1033, firstReceived, 1141, 1291, 1291), waiting: 7, working: 20),
                task((1292, 1292, 1293, 1450, 1465), finishing: 13),
                task((1471, 1471, 1472, 1500, 1500), before: 4),
            ],
        ]
        let graph = try TaskGraph(.gpipe(ranks: 2, microbatches: 1))
        return StepTimes(graph, released: 1_000_000, seconds: 650e-6, tasks: tasks)
    }

    private func microseconds(_ seconds: Double) -> Double { (seconds * 1e9).rounded() / 1e3 }

    @Test("what is lost in any interval is oversubscription, in whom it delays, and nothing else") func terms() throws {
        let terms = Breakdown(try step())
        #expect(
            Breakdown.Term.allCases.map { microseconds(terms[$0]) } == [256.5, 58.5, 152, 126, 19, 0, 38])
        #expect(microseconds(terms.step) == 650)
        #expect(abs(Disturbance([StepFigures(try step())]).share - 126.0 / 650) < 1e-12)
    }

    @Test("what a sender lost after its input could be seen is not the receiver's") func senderLater() throws {
        // Received 4 us after it was sent, while the sender lost 5: so it was sent before that. The receiver's own 7 are left,
        // 5 less than with the sender's: the longest path is through it.
        let terms = Breakdown(try step(firstReceived: 1129))
        #expect(microseconds(terms.oversubscription) == 121 && microseconds(terms.transport) == 24)
    }

    @Test("with hand-offs of a link, what was lost while an item would have been under way counts no more")
    func expected() throws {
        let times = try step()
        func expected(_ latency: Double, _ transfer: Double) -> Double {
            microseconds(times.expected(over: Replay.Link(times.graph, latency: latency) { _ in transfer }))
        }
        // No time at all: the step without transport.
        #expect(expected(0, 0) == 631)
        // Of the 12 and 17 us lost at the two waits, the 6 and 7 after an arrival 10 us after `sent`: F0 there at 127, started at 133.
        #expect(expected(6e-6, 4e-6) == 635)
        // None: F0 there at 217, its backward's at 637.
        #expect(expected(100e-6, 0) == 802)
    }

    @Test("a rank's times") func ranks() throws {
        let times = try step()
        func figures(_ rank: Int) -> [Double] {
            let terms = RankBreakdown(times, rank: rank)
            return [
                terms.busy, terms.displaced, terms.waitingForInput, terms.receiving, terms.waitingForRoom,
                terms.handingOn, terms.updating, terms.outside,
            ].map(microseconds)
        }
        #expect(figures(0) == [198, 86, 312, 0, 5, 8, 38, 3])
        #expect(figures(1) == [315, 49, 92, 3, 4, 4, 28, 155])
    }

    @Test("a hand-off is without what its two ranks lost") func handoffs() throws {
        let times = try step()
        let seconds = times.graph.order.compactMap { times.handoffSeconds($0) }
        #expect(seconds.map(microseconds).sorted() == [0, 3])
    }
}
