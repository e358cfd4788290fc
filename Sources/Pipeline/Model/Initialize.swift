// SPDX-License-Identifier: Apache-2.0

import Glibc
import SharedTensor

extension ParameterSpec {
    /// Gives the parameter its start for a seed.
    func initialize(_ tensor: Tensor, seed: UInt64) {
        let random = CounterRandom(seed: seed, name: name)
        switch initializer {
        case .constant(let value):
            tensor.fill(value)
        case .uniform(let bound):
            tensor.fill { Float((2 * random.unit(at: UInt64($0)) - 1) * Double(bound)) }
        case .normal(let deviation):
            // Box and Muller: two uniform numbers for each normal one; 1 - u keeps the logarithm finite.
            tensor.fill { index in
                let radius = (-2 * log(1 - random.unit(at: 2 * UInt64(index)))).squareRoot()
                let angle = 2 * Double.pi * random.unit(at: 2 * UInt64(index) + 1)
                return Float(radius * cos(angle) * Double(deviation))
            }
        }
    }
}
