// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Expected values are those of `Benchmarks/statistics/intervals.py`, which works them out with numpy and scipy.
struct EstimateTests {
    private static let awkward = [1.31, 0.97, 1.02, 1.9, 0.88, 1.0, 1.07, 1.01, 0.99, 1.13, 2.4, 0.9]
    private static let other = [1.12, 1.05, 0.93, 1.2, 1.0, 0.97, 0.88, 1.06, 1.01, 0.91, 1.3, 0.99]

    private func expect(_ estimate: Estimate, _ value: Double, _ low: Double, _ high: Double) throws {
        let interval = try #require(estimate.interval)
        for (found, expected) in [(estimate.value, value), (interval.lowerBound, low), (interval.upperBound, high)] {
            #expect(abs(found - expected) < 1e-8, "\(estimate)")
        }
    }

    // MARK: One figure

    @Test(
        "the interval of a median is between the values of the ranks nearest to 95 %; of seven the upper end lies further out",
        arguments: [
            (5, 1.02, 0.88, 1.9), (6, 1.01, 0.88, 1.9), (7, 1.02, 0.88, 1.369), (8, 1.015, 0.88, 1.31),
            (12, 1.015, 0.97, 1.31),
        ])
    func median(count: Int, value: Double, low: Double, high: Double) throws {
        try expect(Estimate(medianOf: Array(Self.awkward.prefix(count))), value, low, high)
    }

    @Test(
        "of many values the interval is where the normal distribution of ranks has it",
        arguments: [1000, 1001, 100_000, 999_999])
    func many(count: Int) throws {
        let interval = try #require(Estimate(medianOf: (0..<count).map { Double($0) }).interval)
        let reach = 1.959_964 * Double(count).squareRoot() / 2
        #expect(abs(interval.lowerBound - (Double(count) / 2 - reach)) < 2)
        #expect(abs(interval.upperBound - (Double(count) / 2 + reach)) < 2)
    }

    @Test("fewer than five values have no interval, and so neither leave a value out nor hold it", arguments: 1...4)
    func tooFew(count: Int) {
        let sample = Array(Self.awkward.prefix(count))
        for estimate in [
            Estimate(medianOf: sample), Estimate(medianOf: sample, among: 1), Estimate(ratios: sample, among: 1),
        ] {
            #expect(estimate.interval == nil && estimate.excludes(1) == nil && estimate.excludes(1e9) == nil)
        }
        #expect(Estimate(medianOf: sample).value == Statistics(sample).median)
    }

    @Test("one disturbed value of five moves the figure no further than to its neighbour") func disturbed() {
        #expect(Estimate(medianOf: [3, 1, 2, 1000, 4]).value == 3)
        #expect(Estimate(medianOf: [3, 1, 2, 5, 4]).value == 3)
    }

    @Test(
        "from 5 to 30 values the interval holds the true median in 95 ± 2 of 100 samples, however skewed they are",
        arguments: 5...30)
    func coverage(count: Int) {
        var state: UInt64 = 1
        func uniform() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) * 0x1p-53
        }
        let samples = 20_000
        let hits = (0..<samples).count { _ in
            // The reciprocal of a uniform value has no mean at all; its median is 2.
            Estimate(medianOf: (0..<count).map { _ in 1 / uniform() }).excludes(2) == false
        }
        #expect((0.9275...0.9725).contains(Double(hits) / Double(samples)), "\(hits)")
    }

    // MARK: Several at once

    @Test(
        "intervals that hold together are wider, by as many as there are",
        arguments: [
            (5, 1, 0.659645798, 1.9), (5, 3, 0.430517731, 2.001482269), (5, 42, -0.402052455, 2.834052455),
            (8, 1, 0.959327628, 1.379963325), (8, 3, 0.916372549, 1.661557734), (8, 42, 0.510265268, 1.9),
            (12, 1, 0.970775770, 1.303018066), (12, 3, 0.940635144, 1.557503787), (12, 42, 0.889723649, 2.156908769),
        ])
    func among(count: Int, comparisons: Int, low: Double, high: Double) throws {
        let sample = Array(Self.awkward.prefix(count))
        try expect(Estimate(medianOf: sample, among: comparisons), Statistics(sample).median, low, high)
    }

    @Test(
        "a ratio is the median of those within rounds, and its interval that of their logarithms",
        arguments: [
            (5, 1, 1.096774194, 0.809186490, 1.583333333), (5, 7, 1.096774194, 0.630639439, 1.937947716),
            (8, 1, 1.063341453, 0.918502590, 1.254581967), (8, 7, 1.063341453, 0.837189162, 1.583333333),
            (12, 1, 1.063341453, 0.924918539, 1.240745422), (12, 7, 1.063341453, 0.908768758, 1.585985403),
        ])
    func ratios(count: Int, comparisons: Int, value: Double, low: Double, high: Double) throws {
        let ratios = zip(Self.awkward, Self.other).map { $0 / $1 }.prefix(count)
        try expect(Estimate(ratios: Array(ratios), among: comparisons), value, low, high)
        try expect(Estimate(ratios: ratios.map { 1 / $0 }, among: comparisons), 1 / value, 1 / high, 1 / low)
    }

    // MARK: Parts

    @Test("parts add up to the whole, and none leaves its values; those that do not vary do not move") func parts()
        throws
    {
        let samples = [[5, 5, 5, 5, 5], [1, 2, 3, 4, 9.0], [10, 30, 20, 60, 50]]
        let whole = Statistics((0..<5).map { index in samples.reduce(0) { $0 + $1[index] } }).median
        // Medians of 5, 3 and 30, of sums 16, 37, 28, 69 and 64: one too many for the second and third, whose intervals go
        // 2 and 20 down.
        let parts = Estimate.parts(of: samples, addingUpTo: whole)
        #expect(whole == 37 && parts.map(\.interval) == [5...5, 1...9, 10...60])
        let expected = [5, 3 - 2.0 / 22, 30 - 20.0 / 22]
        #expect(zip(parts, expected).allSatisfy { abs($0.value - $1) < 1e-12 })
    }

    @Test("where intervals have too little room, parts move within their values, and their intervals with them")
    func partsWithoutRoom() {
        // Each part is 1 in one round of nine, always another one: all medians and intervals are 0, but that of the sums is 1.
        let samples = (0..<6).map { part in (0..<9).map { $0 == part ? 1.0 : 0 } }
        let parts = Estimate.parts(of: samples, addingUpTo: 1)
        #expect(parts.allSatisfy { abs($0.value - 1.0 / 6) < 1e-12 && $0.interval!.contains($0.value) })
        let few = Estimate.parts(of: [[0, 4], [2, 2]], addingUpTo: 3)
        #expect(few == [Estimate(value: 1, interval: nil), Estimate(value: 2, interval: nil)])
    }
}
