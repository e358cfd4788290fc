// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// The numbers below `count` in an order that is drawn anew for each round, so that a machine that drifts does not favour
/// one of them. The same seed draws the same orders.
public func drawnOrder(of count: Int, round: Int, seed: UInt64) -> [Int] {
    let random = CounterRandom(seed: seed, name: "order of trials")
    let draws = (0..<count).map { random.bits(at: UInt64(round * count + $0)) }
    return (0..<count).sorted { draws[$0] < draws[$1] }
}
