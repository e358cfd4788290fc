// SPDX-License-Identifier: Apache-2.0

extension RunPlan {
    /// Costs of matrix products alone, at a rate: a third each for F, I and W; hand-offs, packing and updates for nothing.
    /// - Parameter flops: of a rank, a second.
    public func costs(flops: Double) -> Costs {
        Costs(
            units: configuration.model.units.map { unit in
                let third = unit.cost(configuration.batchShape).productFLOPs / 3 / flops
                return UnitCosts(
                    forward: third, backward: 2 * third, inputGradient: third, weightGradient: third, packing: 0)
            }, updateOfParameter: 0, link: LinkCost(latency: 0))
    }
}
