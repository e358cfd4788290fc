// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// A point in the network where training sets elements to 0 at random, and scales the others up so that the expectation
/// stays (Srivastava et al. 2014, as PyTorch does it).
///
/// Which ones follows from the run's seed, the point's name, the step, the microbatch and the element's number alone
/// (`DropoutMask`): so it is the same under every schedule, transport, partition and number of threads, and no mask is
/// kept for the backward, which makes it again.
public struct DropoutSite: Sendable {
    let hash: UInt64

    /// - Parameter name: unique in the model.
    public init(_ name: String) { hash = CounterRandom.hash(name) }
}

/// How a run drops elements, as one microbatch sees it.
struct DropoutState {
    /// 0 when nothing is dropped.
    let rate: Double
    let seed: UInt64
    let microbatch: Int
    /// One element: the step that the rank is in.
    let step: Tokens
}

extension Frame {
    /// Whether `drop` changes anything.
    public var drops: Bool { dropout.rate > 0 }

    /// y = dropout(x), or dx = its backward of dy: the same call, since the mask follows from the point. `y` may be `x`.
    /// x may be a part of the tensor that is dropped from: `firstElement` says where in it x begins.
    public func drop(_ site: DropoutSite, _ x: Tensor, into y: Tensor, firstElement: Int = 0) {
        let mask = DropoutMask(
            rate: dropout.rate, key: CounterRandom(seed: dropout.seed, hash: site.hash).bits(at: 0),
            microbatch: dropout.microbatch, step: Int(dropout.step[0]), firstElement: firstElement)
        kernels.dropout(x, mask, into: y)
    }
}

/// Dropout of what a block is about to add to its input.
struct ResidualDropout: Sendable {
    private let site: DropoutSite
    /// The gradient at dropout's input; none in runs that drop nothing.
    private let dInput: KeptGradient?

    /// - Parameter columns: of what it drops from.
    init(_ name: String, columns: Int, plan: inout StagePlan) {
        site = DropoutSite(name)
        dInput = plan.dropsElements ? plan.keepGradient(Shape(plan.batch.tokens, columns)) : nil
    }

    /// In place.
    func forward(_ y: Tensor, _ frame: Frame) {
        if frame.drops { frame.drop(site, y, into: y) }
    }

    /// Makes the gradient at dropout's input from that at its output, and returns it.
    func backward(_ dy: Tensor, _ frame: Frame) -> Tensor {
        guard let dInput, frame.drops else { return dy }
        frame.drop(site, dy, into: frame[dInput])
        return frame[dInput]
    }

    /// What `backward` returned.
    func gradient(_ dy: Tensor, _ frame: Frame) -> Tensor {
        guard let dInput, frame.drops else { return dy }
        return frame[dInput]
    }
}
