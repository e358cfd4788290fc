// SPDX-License-Identifier: Apache-2.0

import Threads

/// Random numbers by index: the n-th number of a stream depends on the stream's key and n alone, so that a parameter
/// starts out the same whichever rank makes it (SplitMix64's mixing function, Steele et al. 2014, on a counter).
package struct CounterRandom {
    private let key: UInt64

    /// A stream for a seed and a name.
    package init(seed: UInt64, name: String) { self.init(seed: seed, hash: Self.hash(name)) }

    /// A stream for a seed and a name's hash.
    package init(seed: UInt64, hash: UInt64) { key = Self.mix(seed &+ Self.mix(hash)) }

    /// FNV-1a over a name's bytes.
    package static func hash(_ name: String) -> UInt64 {
        name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    /// 64 random bits at an index.
    package func bits(at index: UInt64) -> UInt64 { Self.mix(key &+ (index &+ 1) &* 0x9e37_79b9_7f4a_7c15) }

    /// Uniform in [0, 1), with 53 random bits.
    package func unit(at index: UInt64) -> Double { Double(bits(at: index) >> 11) * 0x1p-53 }

    /// Uniform in 0..<bound, by multiplication: a bias below bound / 2^64.
    package func integer(below bound: UInt64, at index: UInt64) -> UInt64 {
        if bound == 0 { trap("a random integer below 0") }
        return bits(at: index).multipliedFullWidth(by: bound).high
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
