import Pipeline
import Testing

struct EstimateTests {
    @Test("the interval holds the figure, and one value is its own interval") func holds() {
        let estimate = Estimate(medianOf: [3, 1, 2, 10, 4])
        #expect(estimate.value == 3 && estimate.low >= 1 && estimate.high <= 10 && estimate.contains(3))
        #expect(Estimate(meanOf: [1, 2, 6]).value == 3)
        #expect(Estimate(meanOf: [5]) == Estimate(value: 5, low: 5, high: 5))
        #expect(!Estimate(value: 2, low: 1.5, high: 2.5).contains(1))
    }

    @Test("the same sample gives the same interval") func repeats() {
        let sample = (0..<20).map { Double($0 * 7 % 13) }
        #expect(Estimate(meanOf: sample) == Estimate(meanOf: sample))
    }

    @Test("about 95 of 100 intervals hold the mean that the samples were drawn around") func coverage() {
        var state: UInt64 = 1
        func uniform() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) * 0x1p-53
        }
        let hits = (0..<100).count { _ in
            Estimate((0..<25).map { _ in uniform() }, draws: 300) { Statistics($0).mean }.contains(0.5)
        }
        #expect((87...99).contains(hits))
    }

    @Test("more spread, a wider interval; more values, a narrower one") func width() {
        func width(_ estimate: Estimate) -> Double { estimate.high - estimate.low }
        let few = (0..<8).map { Double($0) }
        let many = (0..<128).map { Double($0 % 8) }
        #expect(width(Estimate(meanOf: many)) < width(Estimate(meanOf: few)))
        #expect(width(Estimate(meanOf: few.map { $0 * 2 })) > width(Estimate(meanOf: few)))
    }
}
