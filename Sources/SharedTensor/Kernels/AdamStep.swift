// SPDX-License-Identifier: Apache-2.0

import CKernels
import Threads

/// Adam's numbers for one step (1412.6980, as torch.optim.Adam computes them).
public struct AdamStep: Sendable {
    let raw: ppt_adam

    /// - Parameters:
    ///   - step: counts from 1.
    ///   - rate: the learning rate of this step.
    ///   - beta1: how much of the gradient's mean is kept, at least 0, below 1.
    ///   - beta2: how much of the mean of its square is kept, at least 0, below 1.
    ///   - epsilon: added to the root that is divided by.
    public init(step: Int, rate: Double, beta1: Double, beta2: Double, epsilon: Double) {
        if step < 1 { trap("Adam's steps count from 1; this is \(step)") }
        raw = ppt_adam(
            beta1: Float(beta1), beta2: Float(beta2), epsilon: Float(epsilon), rest1: Float(1 - beta1),
            rest2: Float(1 - beta2),
            step_size: Float(rate / (1 - power(beta1, step))),
            root_scale: Float(1 / (1 - power(beta2, step)).squareRoot()))
    }
}

/// base^exponent by squaring: the same bits on every machine, which libm's pow does not promise.
private func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    var square = base
    var rest = exponent
    while rest > 0 {
        if rest & 1 == 1 { result *= square }
        square *= square
        rest >>= 1
    }
    return result
}
