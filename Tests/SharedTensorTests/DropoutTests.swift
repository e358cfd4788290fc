// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Testing

struct DropoutTests {
    private static let levels = SIMDLevel.allCases.filter(\.isSupported)

    /// Philox4x32-10 as Salmon et al. define it.
    private func philox(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
        var (c, k) = (counter, key)
        for _ in 0..<10 {
            let first = c[0].multipliedFullWidth(by: 0xd251_1f53)
            let second = c[2].multipliedFullWidth(by: 0xcd9e_8d57)
            c = [second.high ^ c[1] ^ k[0], second.low, first.high ^ c[3] ^ k[1], first.low]
            k = [k[0] &+ 0x9e37_79b9, k[1] &+ 0xbb67_ae85]
        }
        return c
    }

    @Test("the twin gives Random123's known answers") func knownAnswers() {
        #expect(philox([0, 0, 0, 0], [0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
        let ones = UInt32.max
        #expect(
            philox([ones, ones, ones, ones], [ones, ones]) == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
        #expect(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0])
                == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
    }

    @Test(
        "elements are dropped as the twin says, from any element on", arguments: levels,
        [(1, 0), (7, 60), (64, 0), (200, 13), (1000, 1 << 34)])
    func agreesWithTwin(level: SIMDLevel, part: (count: Int, first: Int)) throws {
        let bench = try Bench(level)
        let x = bench.tensor(Shape(part.count))
        let y = bench.tensor(Shape(part.count), filledWith: .nan)
        let key: UInt64 = 0x1234_5678_9abc_def0
        let mask = DropoutMask(rate: 0.25, key: key, microbatch: 3, step: 5, firstElement: part.first)
        bench.kernels.dropout(x, mask, into: y)
        for index in 0..<part.count {
            let element = UInt64(part.first + index)
            let counter = element / 64 * 16 + element % 16
            let words = philox(
                [UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32), 3, 5],
                [UInt32(truncatingIfNeeded: key), UInt32(key >> 32)])
            let isKept = words[Int(element % 64 / 16)] >= 1 << 30
            #expect(y[index] == (isKept ? x[index] * Float(1 / 0.75) : 0), "element \(index)")
        }
    }

    @Test("the share that is dropped is the rate, in each mask anew", arguments: [0.1, 0.5, 0.9])
    func rate(rate: Double) throws {
        let bench = try Bench(.best)
        let count = 100_000
        let x = bench.tensor(Shape(count), filledWith: 1)
        func dropped(_ mask: DropoutMask) -> [Bool] {
            let y = bench.tensor(Shape(count))
            bench.kernels.dropout(x, mask, into: y)
            return y.values.map { $0 == 0 }
        }
        let masks = [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1)].map { key, microbatch, step in
            dropped(DropoutMask(rate: rate, key: key, microbatch: microbatch, step: step))
        }
        for mask in masks {
            let share = Double(mask.filter { $0 }.count) / Double(count)
            #expect(abs(share - rate) < 0.01)
        }
        // Independent masks agree at this share of the elements; equal ones would at all.
        let chance = rate * rate + (1 - rate) * (1 - rate)
        for other in masks.dropFirst() {
            let equal = Double(zip(masks[0], other).filter { $0 == $1 }.count) / Double(count)
            #expect(abs(equal - chance) < 0.01)
        }
    }
}
