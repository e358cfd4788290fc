// SPDX-License-Identifier: Apache-2.0

import Threads

extension Costs {
    /// The mean of two, of the same units: of costs that were measured before and after what they are to predict.
    public init(meanOf one: Costs, _ other: Costs) {
        require(one.units.count == other.units.count, "costs of other units")
        func mean(_ value: (Costs) -> Double) -> Double { (value(one) + value(other)) / 2 }
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
