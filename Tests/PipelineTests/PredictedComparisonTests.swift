// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// How a prediction is held against what was measured.
struct PredictedComparisonTests {
    /// A step of so many seconds of work and of transport.
    private func breakdown(_ work: Double, _ transport: Double) throws -> Breakdown {
        let schedule = Schedule.gpipe(ranks: 2, microbatches: 1).forwardOnly()
        let graph = try TaskGraph(schedule)
        let link = Replay.Link(graph, latency: transport) { _ in 0 }
        return Simulation(schedule, graph, durations: [[work], [0]], link: link).breakdown
    }

    private func item(_ predicted: (Double, Double), _ measured: (Double, Double)) throws -> PredictedComparison.Item {
        PredictedComparison.Item(
            schedule: "s", transport: "t", predicted: try breakdown(predicted.0, predicted.1),
            measured: try breakdown(measured.0, measured.1))
    }

    @Test("errors are parts of the measured step") func errors() throws {
        let item = try item((9, 2), (10, 0.5))
        #expect(abs(item.error - 0.5 / 10.5) < 1e-12)
        // Of two ranks one works: its mean is half of it.
        #expect(abs(item.error(.work) + 0.5 / 10.5) < 1e-12 && abs(item.error(.transport) - 1.5 / 10.5) < 1e-12)
    }

    @Test("pairs that differ by more than 2 % are ranked, and each that is the wrong way round is missed")
    func ranking() throws {
        // Measured 10, 10.1, 11, 12; predicted 10, 9, 13, 12.5: the first two are too close, the last two are the wrong way round.
        let items = try [
            item((10, 0), (10, 0)), item((9, 0), (10.1, 0)), item((13, 0), (11, 0)), item((12.5, 0), (12, 0)),
        ]
        let ranking = PredictedComparison(items).ranking
        #expect(ranking == (pairs: 5, right: 4))
        #expect(PredictedComparison([items[0]]).ranking == (pairs: 0, right: 0))
    }
}
