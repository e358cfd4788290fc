// SPDX-License-Identifier: Apache-2.0

import Threads

extension Kernels {
    /// y = layer norm of each row of x; fills `mean` and `rstd` (one for each row) for the backward.
    public func layerNorm(
        _ x: Tensor, gamma: Tensor, beta: Tensor, epsilon: Float, into y: Tensor, mean: Tensor, rstd: Tensor
    ) {
        let (rows, columns) = (x.shape.rows, x.shape.columns)
        require(y.count == x.count && mean.count == rows && rstd.count == rows, "layer norm of different counts")
        require(gamma.count == columns && beta.count == columns, "layer norm with weights of another width")
        if isTeam {
            return share(
                SharedLayerNorm(
                    kernels: self, x: x, gamma: gamma, beta: beta, epsilon: epsilon, y: y, mean: mean, rstd: rstd))
        }
        unsafe table.pointee.layer_norm(
            rows, columns, x.base, gamma.base, beta.base, epsilon, y.base, mean.base, rstd.base)
    }

    /// dx of a layer norm from its input x; `dx` may be `dy`.
    public func layerNormBackwardInput(
        _ dy: Tensor, input x: Tensor, gamma: Tensor, mean: Tensor, rstd: Tensor, into dx: Tensor
    ) {
        let (rows, columns) = (x.shape.rows, x.shape.columns)
        require(dy.count == x.count && dx.count == x.count && gamma.count == columns, "layer norm backward shapes")
        require(mean.count == rows && rstd.count == rows, "layer norm backward of different rows")
        if isTeam {
            return share(
                SharedLayerNormBackward(kernels: self, dy: dy, x: x, gamma: gamma, mean: mean, rstd: rstd, dx: dx))
        }
        unsafe table.pointee.layer_norm_backward_input(
            rows, columns, dy.base, x.base, gamma.base, mean.base, rstd.base, dx.base)
    }

    /// dgamma += and dbeta += of a layer norm from its input x.
    public func layerNormBackwardWeights(
        _ dy: Tensor, input x: Tensor, mean: Tensor, rstd: Tensor, dgamma: Tensor, dbeta: Tensor
    ) {
        let (rows, columns) = (x.shape.rows, x.shape.columns)
        require(dy.count == x.count && mean.count == rows && rstd.count == rows, "layer norm backward shapes")
        require(dgamma.count == columns && dbeta.count == columns, "layer norm backward of another width")
        if isTeam {
            return share(
                SharedLayerNormWeights(
                    kernels: self, dy: dy, x: x, mean: mean, rstd: rstd, dgamma: dgamma, dbeta: dbeta))
        }
        layerNormBackwardWeights(
            dy.reshaped(x.shape).matrix, input: x.matrix, mean: mean, rstd: rstd, dgamma: dgamma, dbeta: dbeta)
    }

    /// The same for some of the columns.
    func layerNormBackwardWeights(
        _ dy: Matrix, input x: Matrix, mean: Tensor, rstd: Tensor, dgamma: Tensor, dbeta: Tensor
    ) {
        require(dy.stride == x.stride, "layer norm backward of different strides")
        unsafe table.pointee.layer_norm_backward_weights(
            x.rows, x.columns, x.stride, dy.base, x.base, mean.base, rstd.base, dgamma.base, dbeta.base)
    }
}

private struct SharedLayerNorm: SharedWork {
    let kernels: Kernels
    let x, gamma, beta: Tensor
    let epsilon: Float
    let y, mean, rstd: Tensor

    var count: Int { x.shape.rows }
    var grain: Int { 1 }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.layerNorm(
            x.rows(part), gamma: gamma, beta: beta, epsilon: epsilon, into: y.reshaped(x.shape).rows(part),
            mean: mean.elements(part), rstd: rstd.elements(part))
    }
}

private struct SharedLayerNormBackward: SharedWork {
    let kernels: Kernels
    let dy, x, gamma, mean, rstd, dx: Tensor

    var count: Int { x.shape.rows }
    var grain: Int { 1 }
    func run(_ part: Range<Int>, _ kernels: Kernels) {
        kernels.layerNormBackwardInput(
            dy.reshaped(x.shape).rows(part), input: x.rows(part), gamma: gamma, mean: mean.elements(part),
            rstd: rstd.elements(part), into: dx.reshaped(x.shape).rows(part))
    }
}

private struct SharedLayerNormWeights: SharedWork {
    let kernels: Kernels
    let dy, x, mean, rstd, dgamma, dbeta: Tensor

    var count: Int { x.shape.columns }
    func run(_ columns: Range<Int>, _ kernels: Kernels) {
        kernels.layerNormBackwardWeights(
            dy.reshaped(x.shape).matrix.columns(columns), input: x.matrix.columns(columns), mean: mean, rstd: rstd,
            dgamma: dgamma.elements(columns), dbeta: dbeta.elements(columns))
    }
}
