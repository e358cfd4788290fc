import SharedTensor

/// y [tokens, outputs] = x [tokens, inputs] w^T + b, with w [outputs, inputs] as PyTorch stores it.
public struct Linear: Layer {
    let weight: Parameter
    let bias: Parameter?
    private let forwardWeight: PackedWeight
    private let backwardWeight: PackedWeight

    /// Reserves `name.weight` and, unless told not to, `name.bias`.
    ///
    /// Without other wishes both start as PyTorch's nn.Linear does: uniform in ±1/sqrt(inputs).
    public init(
        _ name: String, inputs: Int, outputs: Int, hasBias: Bool = true, weight: Initializer? = nil,
        bias: Initializer? = nil, plan: inout StagePlan
    ) {
        let standard = Initializer.uniform(1 / Float(inputs).squareRoot())
        let weight = plan.parameter("\(name).weight", Shape(outputs, inputs), weight ?? standard)
        let bias = hasBias ? plan.parameter("\(name).bias", Shape(outputs), bias ?? standard) : nil
        self.init(weight: weight, bias: bias, plan: &plan)
    }

    /// A linear map by parameters that are reserved already, or by rows of them.
    public init(weight: Parameter, bias: Parameter?, plan: inout StagePlan) {
        self.weight = weight
        self.bias = bias
        forwardWeight = plan.pack(weight, for: .forward)
        backwardWeight = plan.pack(weight, for: .backwardInput)
        plan.countProduct(rows: plan.batch.tokens, inputs: weight.shape.columns, outputs: weight.shape.rows)
    }

    public func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        forward(x, into: y, ending: .plain, frame)
    }

    /// y = ending(x w^T + b).
    func forward(_ x: Tensor, into y: Tensor, ending: ProductEnding, _ frame: Frame) {
        frame.multiply(x.matrix, by: forwardWeight, into: y.matrix, bias: bias.map { frame[$0] }, ending: ending)
    }

    public func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        backwardInput(dy, into: dx, accumulating: false, frame)
    }

    /// dx = ending(dy w), or of dx + dy w.
    func backwardInput(
        _ dy: Tensor, into dx: Tensor, ending: ProductEnding = .plain, accumulating: Bool, _ frame: Frame
    ) {
        frame.multiply(dy.matrix, by: backwardWeight, into: dx.matrix, ending: ending, accumulating: accumulating)
    }

    public func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        let gradient = frame.gradient(of: weight).matrix
        frame.kernels.multiply(dy.matrix.transposed, x.matrix, into: gradient, accumulating: true)
        if let bias { frame.kernels.addColumnSums(dy.matrix, to: frame.gradient(of: bias)) }
    }
}
