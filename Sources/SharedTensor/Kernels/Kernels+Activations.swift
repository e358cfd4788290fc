// SPDX-License-Identifier: Apache-2.0

import Threads

extension Kernels {
    /// y = max(x, 0); `y` may be `x`.
    public func relu(_ x: Tensor, into y: Tensor) {
        require(x.count == y.count, "relu of different counts")
        if isTeam { return share(SharedActivation(kernels: self, kind: .relu, x: x, y: y)) }
        unsafe table.pointee.relu(x.count, x.base, y.base)
    }

    /// dx = dy where the output y is positive, else 0; `dx` may be `dy`.
    public func reluBackward(_ dy: Tensor, output y: Tensor, into dx: Tensor) {
        require(y.count == dy.count && dx.count == dy.count, "relu backward of different counts")
        if isTeam { return share(SharedActivationBackward(kernels: self, kind: .relu, dy: dy, kept: y, dx: dx)) }
        unsafe table.pointee.relu_backward(dy.count, y.base, dy.base, dx.base)
    }

    /// y = GELU(x), tanh form; `y` may be `x`.
    public func gelu(_ x: Tensor, into y: Tensor) {
        require(x.count == y.count, "gelu of different counts")
        if isTeam { return share(SharedActivation(kernels: self, kind: .gelu, x: x, y: y)) }
        unsafe table.pointee.gelu(x.count, x.base, y.base)
    }

    /// dx = dy GELU'(x) from the input x; `dx` may be `dy`.
    public func geluBackward(_ dy: Tensor, input x: Tensor, into dx: Tensor) {
        require(x.count == dy.count && dx.count == dy.count, "gelu backward of different counts")
        if isTeam { return share(SharedActivationBackward(kernels: self, kind: .gelu, dy: dy, kept: x, dx: dx)) }
        unsafe table.pointee.gelu_backward(dy.count, x.base, dy.base, dx.base)
    }
}

private struct SharedActivation: SharedWork {
    enum Kind { case relu, gelu }

    let kernels: Kernels
    let kind: Kind
    let x, y: Tensor

    var count: Int { y.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        switch kind {
        case .relu: kernels.relu(x.elements(part), into: y.elements(part))
        case .gelu: kernels.gelu(x.elements(part), into: y.elements(part))
        }
    }
}

private struct SharedActivationBackward: SharedWork {
    let kernels: Kernels
    let kind: SharedActivation.Kind
    let dy: Tensor
    /// The output of a ReLU, the input of a GELU.
    let kept: Tensor
    let dx: Tensor

    var count: Int { dx.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        let (dy, kept, dx) = (dy.elements(part), kept.elements(part), dx.elements(part))
        switch kind {
        case .relu: kernels.reluBackward(dy, output: kept, into: dx)
        case .gelu: kernels.geluBackward(dy, input: kept, into: dx)
        }
    }
}
