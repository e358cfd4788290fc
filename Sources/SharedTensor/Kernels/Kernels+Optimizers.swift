// SPDX-License-Identifier: Apache-2.0

import Threads

extension Kernels {
    /// One Adam update of w from g, with the moments m and v; clears g.
    public func adam(_ w: Tensor, _ g: Tensor, _ m: Tensor, _ v: Tensor, _ step: AdamStep) {
        require(g.count == w.count && m.count == w.count && v.count == w.count, "adam of different counts")
        if isTeam { return share(SharedAdam(kernels: self, w: w, g: g, m: m, v: v, step: step)) }
        var parameters = step.raw
        unsafe table.pointee.adam(w.count, w.base, g.base, m.base, v.base, &parameters)
    }

    /// w -= rate * g; clears g.
    public func sgd(_ w: Tensor, _ g: Tensor, rate: Float) {
        require(g.count == w.count, "sgd of different counts")
        if isTeam { return share(SharedGradientDescent(kernels: self, w: w, g: g, rate: rate)) }
        unsafe table.pointee.sgd(w.count, w.base, g.base, rate)
    }
}

private struct SharedAdam: SharedWork {
    let kernels: Kernels
    let w, g, m, v: Tensor
    let step: AdamStep

    var count: Int { w.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.adam(w.elements(part), g.elements(part), m.elements(part), v.elements(part), step)
    }
}

private struct SharedGradientDescent: SharedWork {
    let kernels: Kernels
    let w, g: Tensor
    let rate: Float

    var count: Int { w.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.sgd(w.elements(part), g.elements(part), rate: rate)
    }
}
