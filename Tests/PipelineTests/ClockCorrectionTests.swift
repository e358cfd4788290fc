// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// Clocks of other hosts, worked by hand.
struct ClockCorrectionTests {
    @Test(
        "an answer was read half-way between question and answer, give or take that half",
        arguments: [
            // Asked, read, answered; moment, ahead, error.
            (1000, 9507, 1014, 1007, 8500, 7), (1000, 400, 1015, 1007, -607, 8), (70, 70, 70, 70, 0, 0),
        ] as [(UInt64, UInt64, UInt64, UInt64, Int64, UInt64)])
    func reading(asked: UInt64, read: UInt64, answered: UInt64, moment: UInt64, ahead: Int64, error: UInt64) {
        #expect(
            ClockReading(asked: asked, read: read, answered: answered)
                == ClockReading(moment: moment, ahead: ahead, error: error))
    }

    @Test("between two readings a clock drifts evenly, before and after them not at all")
    func drift() {
        // Ahead by 300 at 1000, by 340 at 1800: a twentieth of what passes on the first clock.
        let correct = ClockCorrection(
            begin: ClockReading(moment: 1000, ahead: 300, error: 3),
            end: ClockReading(moment: 1800, ahead: 340, error: 5))
        #expect(correct(1300) == 1000)
        // 700 later by the rate at the start, of 800: 35 of the 40.
        #expect(correct(2000) == 1700 - 35)
        #expect(correct(2100) == 1800 - 40)
        #expect(correct(2900) == 2600 - 40)
        #expect(correct(800) == 500)
        #expect(correct.error == 5 && correct.ahead == 340 && !correct.isNone)
    }

    @Test("a clock that is behind, by more than it has counted, is put right too") func behind() {
        let correct = ClockCorrection(
            begin: ClockReading(moment: 5_000_000, ahead: -4_999_000, error: 1),
            end: ClockReading(moment: 5_000_400, ahead: -4_999_004, error: 2))
        #expect(correct(1000) == 5_000_000)
        #expect(correct(1100) == 5_000_100 + 1)
        #expect(correct.ahead == -4_999_004)
    }

    @Test("one and the same clock, and two readings of one moment, change nothing but what was read") func same() {
        let same = ClockReading(moment: 77, ahead: 0, error: 0)
        let none = ClockCorrection(begin: same, end: ClockReading(moment: 99, ahead: 0, error: 0))
        #expect(none.isNone && none(12345) == 12345)
        let once = ClockReading(moment: 77, ahead: 30, error: 0)
        #expect(ClockCorrection(begin: once, end: once)(1000) == 970)
        // Equal at both ends, but not known to be one clock.
        let unsure = ClockReading(moment: 77, ahead: 0, error: 4)
        #expect(!ClockCorrection(begin: same, end: unsure).isNone)
    }
}
