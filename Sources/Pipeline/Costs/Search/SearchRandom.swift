// SPDX-License-Identifier: Apache-2.0

/// A search's random numbers, which its seed decides (SplitMix64, Steele et al. 2014): the same on every machine, since they take
/// nothing but arithmetic that IEEE 754 rounds in one way. A C library's logarithm may differ from one processor to another.
struct SearchRandom: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def1 }

    mutating func bits() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// From 0 to just below `bound`, which is positive.
    mutating func below(_ bound: Int) -> Int { Int(bits().multipliedFullWidth(by: UInt64(bound)).high) }

    /// In [0, 1).
    mutating func unit() -> Double { Double(bits() >> 11) * 0x1p-53 }

    /// Exponentially distributed with mean 1: the negative logarithm of a number in (0, 1], to about nine digits.
    mutating func exponential() -> Double {
        let value = 1 - unit()
        // ln m = 2 artanh((m - 1)/(m + 1)), for m in [1, 2).
        let ratio = (value.significand - 1) / (value.significand + 1)
        let square = ratio * ratio
        var sum = 0.0
        for divisor in stride(from: 17.0, through: 1, by: -2) { sum = sum * square + 1 / divisor }
        return -(2 * ratio * sum + Double(value.exponent) * 0.693_147_180_559_945_3)
    }
}
