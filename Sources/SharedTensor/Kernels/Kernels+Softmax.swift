// SPDX-License-Identifier: Apache-2.0

import Threads

extension Kernels {
    /// In place: each row becomes softmax(scale * row). With a `diagonal`, row r sees columns 0...diagonal + r only.
    /// `normalizers` [rows, 2] are filled for `softmaxAgain`: what is subtracted, and what is multiplied by.
    public func softmax(_ x: Matrix, scale: Float, diagonal: Int? = nil, normalizers: Tensor) {
        checkSoftmax(x, diagonal, normalizers)
        unsafe table.pointee.softmax(x.rows, x.columns, x.base, x.stride, scale, diagonal ?? -1, normalizers.base)
    }

    private func checkSoftmax(_ x: Matrix, _ diagonal: Int?, _ normalizers: Tensor) {
        x.requireStoredAsIs()
        require(normalizers.count / 2 == x.rows && normalizers.count % 2 == 0, "softmax with normalizers of other rows")
        // The kernel adds a row's number to it.
        require(diagonal ?? 0 >= 0 && diagonal ?? 0 <= Int.max - x.rows - 1, "softmax with another diagonal")
    }

    /// In place: the softmax of the same rows once more, to the bit, from what it left in `normalizers`.
    public func softmaxAgain(_ x: Matrix, scale: Float, diagonal: Int? = nil, normalizers: Tensor) {
        checkSoftmax(x, diagonal, normalizers)
        unsafe table.pointee.softmax_again(x.rows, x.columns, x.base, x.stride, scale, diagonal ?? -1, normalizers.base)
    }

    /// In place: dp becomes the gradient at the softmax's input, from its output p and the gradient at its output dp.
    public func softmaxBackward(_ p: Matrix, _ dp: Matrix, scale: Float) {
        require(p.rows == dp.rows && p.columns == dp.columns, "softmax backward of different shapes")
        p.requireStoredAsIs()
        dp.requireStoredAsIs()
        unsafe table.pointee.softmax_backward(p.rows, p.columns, p.base, p.stride, dp.base, dp.stride, scale)
    }
}
