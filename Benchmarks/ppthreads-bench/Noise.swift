// SPDX-License-Identifier: Apache-2.0

import Glibc
import SharedTensor

/// Step times as they may scatter, around 1 or so.
struct Noise: Sendable {
    let name: String
    /// Half of all values are below it.
    let median: Double
    /// The value at a place of a stream of draws.
    let value: @Sendable (Draws, UInt64) -> Double

    static let all: [Noise] = [
        Noise(name: "normal", median: 1) { 1 + 0.02 * $0.normal(at: $1) },
        logNormal(0.5), logNormal(1), Noise(name: "exponential", median: log(2)) { $0.exponential(at: $1) },
        Noise(name: "gamma 2", median: 1.678_346_990_016_660_5) {
            $0.exponential(at: 2 * $1) + $0.exponential(at: 2 * $1 + 1)
        },
        twoModes("50/50 x1.3", slow: 0.5, 1.3, spread: 0.02), twoModes("50/50 wide", slow: 0.5, 1.3, spread: 0.12),
        twoModes("80/20 x1.3", slow: 0.2, 1.3, spread: 0.02), twoModes("90/10 x1.3", slow: 0.1, 1.3, spread: 0.02),
        twoModes("90/10 x2", slow: 0.1, 2, spread: 0.02),
    ]

    private static func logNormal(_ spread: Double) -> Noise {
        Noise(name: "lognormal \(spread)", median: 1) { exp(spread * $0.normal(at: $1)) }
    }

    /// Steps around 1, and a share of slow ones around a multiple of that.
    private static func twoModes(_ name: String, slow share: Double, _ factor: Double, spread: Double) -> Noise {
        func below(_ value: Double, _ mode: Double) -> Double { erfc((mode - value) / spread / 2.0.squareRoot()) / 2 }
        var (low, high) = (0.0, 2 * factor)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            let part = (1 - share) * below(middle, 1) + share * below(middle, factor)
            if part < 0.5 { low = middle } else { high = middle }
        }
        return Noise(name: name, median: (low + high) / 2) { draws, place in
            (draws.unit(at: 3 * place) < share ? factor : 1) + spread * draws.normal(of: 3 * place + 1)
        }
    }
}

/// A stream of draws that its name decides.
struct Draws {
    private let random: CounterRandom

    init(_ name: String) { random = CounterRandom(seed: 0, name: name) }

    /// Above 0, below 1.
    func unit(at place: UInt64) -> Double { (Double(random.bits(at: place) >> 11) + 0.5) * 0x1p-53 }

    func exponential(at place: UInt64) -> Double { -log(unit(at: place)) }

    func normal(at place: UInt64) -> Double { normal(of: 2 * place) }

    /// Of two uniform draws, the first at a place (Box and Muller 1958).
    func normal(of place: UInt64) -> Double {
        (2 * exponential(at: place)).squareRoot() * cos(2 * .pi * unit(at: place + 1))
    }
}
