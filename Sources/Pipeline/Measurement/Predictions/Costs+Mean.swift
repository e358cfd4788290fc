// SPDX-License-Identifier: Apache-2.0

import Threads

extension Costs {
    /// The mean of two, of the same units: of costs that were measured before and after what they are to predict.
    public init(meanOf one: Costs, _ other: Costs) { self.init(mean: one, of: 1, and: other) }

    /// The mean of a mean and of one more.
    /// - Parameters:
    ///   - one: a mean.
    ///   - count: of how many; at least 1.
    ///   - other: one more, of the same units.
    public init(mean one: Costs, of count: Int, and other: Costs) {
        require(one.units.count == other.units.count && count >= 1, "costs of other units, or a mean of none")
        let all = Double(count + 1)
        func mean(_ value: (Costs) -> Double) -> Double { (value(one) * Double(count) + value(other)) / all }
        let units = one.units.indices.map { index in
            UnitCosts(
                forward: mean { $0.units[index].forward }, backward: mean { $0.units[index].backward },
                inputGradient: mean { $0.units[index].inputGradient },
                weightGradient: mean { $0.units[index].weightGradient }, packing: mean { $0.units[index].packing })
        }
        let perByte = mean { 1 / $0.link.bytesPerSecond }
        self.init(
            units: units, updateOfParameter: mean(\.updateOfParameter),
            link: LinkCost(
                latency: mean(\.link.latency), bytesPerSecond: perByte > 0 ? 1 / perByte : .infinity))
    }
}
