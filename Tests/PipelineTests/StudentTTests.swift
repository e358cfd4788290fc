// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

struct StudentTTests {
    @Test(
        "quantiles are those of the published tables, to their three digits",
        arguments: [
            (0.05, 1, 12.706), (0.05, 2, 4.303), (0.05, 3, 3.182), (0.05, 4, 2.776), (0.05, 7, 2.365),
            (0.05, 10, 2.228),
            (0.05, 29, 2.045), (0.05, 30, 2.042), (0.1, 1, 6.314), (0.1, 5, 2.015), (0.1, 30, 1.697), (0.01, 1, 63.657),
            (0.01, 4, 4.604), (0.01, 7, 3.499), (0.001, 4, 8.610), (0.001, 9, 4.781),
        ])
    func tables(misses: Double, freedom: Int, expected: Double) {
        #expect(abs(StudentT.quantile(misses: misses, freedom: freedom) - expected) <= 0.000_501)
    }

    @Test(
        "quantiles are scipy's (Benchmarks/statistics/intervals.py), far out too",
        arguments: [
            (0.04 / 42, 4, 8.720659194), (0.04 / 7, 7, 3.924720118), (1e-6, 5, 28.47847346), (0.04, 1, 15.89454484),
            (0.3, 30, 1.054662347),
        ])
    func scipy(misses: Double, freedom: Int, expected: Double) {
        #expect(abs(StudentT.quantile(misses: misses, freedom: freedom) / expected - 1) < 1e-9)
    }
}
