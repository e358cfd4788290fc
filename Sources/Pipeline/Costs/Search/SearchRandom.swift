// SPDX-License-Identifier: Apache-2.0

/// A search's random numbers, which its seed decides (SplitMix64, Steele et al. 2014).
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
}
