// SPDX-License-Identifier: Apache-2.0

import Threads

extension Kernels {
    /// y = x with some elements set to 0 and the others scaled, as the mask says; `y` may be `x`. The backward is the same
    /// call on dy, with the same mask.
    public func dropout(_ x: Tensor, _ mask: DropoutMask, into y: Tensor) {
        require(x.count == y.count, "dropout of different counts")
        if isTeam { return share(SharedDropout(kernels: self, x: x, mask: mask, y: y)) }
        var parameters = mask.raw
        unsafe table.pointee.dropout(x.count, x.base, y.base, &parameters)
    }
}

private struct SharedDropout: SharedWork {
    let kernels: Kernels
    let x: Tensor
    let mask: DropoutMask
    let y: Tensor

    var count: Int { y.count }
    /// What one group of random numbers serves.
    var grain: Int { 64 }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.dropout(x.elements(part), mask.advanced(by: part.lowerBound), into: y.elements(part))
    }
}
