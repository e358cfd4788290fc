// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Testing

/// How figures are written.
struct NumberTextTests {
    @Test("figures are rounded to their digits, whatever their sign") func fixed() {
        #expect(0.1251.fixed(2) == "0.13" && 0.1249.fixed(2) == "0.12" && (-2.996).fixed(2) == "-3.00")
        #expect(1234.5678.fixed(3) == "1234.568" && 7.05.fixed(0) == "7" && 9.96.fixed(1) == "10.0")
        #expect((-0.004).fixed(2) == "0.00" && (-0.006).fixed(2) == "-0.01" && 3.004.fixed(2) == "3.00")
        #expect(Double.nan.fixed(2) == "nan" && (-Double.infinity).fixed(2) == "-inf" && 3e20.fixed(1) == "3e+20")
    }

    @Test("short times are in microseconds, others in milliseconds") func durations() {
        #expect(0.0000523.duration == "52.3 us" && (-0.0000996).duration == "-99.6 us")
        #expect(0.0001.duration == "0.1 ms" && 0.01237.duration == "12.4 ms" && (-1.5).duration == "-1500.0 ms")
        #expect(0.012345.milliseconds == "12.35 ms" && 1.5.milliseconds == "1500.00 ms")
    }

    @Test("digits are grouped by three") func grouped() {
        #expect(
            7.grouped == "7" && 999.grouped == "999" && 1000.grouped == "1 000" && (-1_234_567).grouped == "-1 234 567")
        #expect(1234.5.grouped == "1 235" && (-999.6).grouped == "-1 000" && 2e20.grouped == "2e+20")
    }
}
