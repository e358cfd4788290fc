// SPDX-License-Identifier: Apache-2.0

import Threads

extension Kernels {
    /// out = a + b; `out` may be `a` or `b`.
    public func add(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        require(a.count == b.count && out.count == a.count, "sum of different counts")
        if isTeam { return share(SharedSum(kernels: self, a: a, b: b, out: out)) }
        unsafe table.pointee.add(a.count, a.base, b.base, out.base)
    }

    /// out[c] += sum over rows of x [rows, columns].
    public func addColumnSums(_ x: Matrix, to out: Tensor) {
        require(out.count == x.columns, "one sum for each column")
        x.requireStoredAsIs()
        if isTeam { return share(SharedColumnSums(kernels: self, x: x, out: out)) }
        unsafe table.pointee.column_sum(x.rows, x.columns, x.base, x.stride, out.base)
    }
}

private struct SharedSum: SharedWork {
    let kernels: Kernels
    let a, b, out: Tensor

    var count: Int { out.count }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.add(a.elements(part), b.elements(part), into: out.elements(part))
    }
}

private struct SharedColumnSums: SharedWork {
    let kernels: Kernels
    let x: Matrix
    let out: Tensor

    var count: Int { x.columns }
    func run(_ columns: Range<Int>, _ kernels: Kernels) {
        kernels.addColumnSums(x.columns(columns), to: out.elements(columns))
    }
}
