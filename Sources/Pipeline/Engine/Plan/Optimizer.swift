// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// How weights follow gradients. Both clear the gradient as they use it.
public enum Optimizer: Equatable, Sendable {
    /// Adam (Kingma and Ba, 1412.6980) as torch.optim.Adam computes it: betas 0.9 and 0.999, epsilon 1e-8, no decay.
    case adam(rate: Double)
    /// Plain gradient descent.
    case sgd(rate: Double)

    /// What flags and results call it.
    public var name: String {
        switch self {
        case .adam: "adam"
        case .sgd: "sgd"
        }
    }

    var rate: Double {
        switch self {
        case .adam(let rate), .sgd(let rate): rate
        }
    }

    /// Copies of the weights' size that it keeps from step to step.
    var states: Int {
        switch self {
        case .adam: 2
        case .sgd: 0
        }
    }

    /// Updates all weights of a stage, which lie in a row, padding included (its gradient is zero, so it stays zero).
    /// - Parameters:
    ///   - step: counts from 1.
    ///   - rate: of this step.
    func update(
        _ weights: Tensor, _ gradients: Tensor, states: [Tensor], step: Int, rate: Double, _ kernels: Kernels
    ) {
        switch self {
        case .adam:
            let numbers = AdamStep(step: step, rate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
            kernels.adam(weights, gradients, states[0], states[1], numbers)
        case .sgd:
            kernels.sgd(weights, gradients, rate: Float(rate))
        }
    }
}
