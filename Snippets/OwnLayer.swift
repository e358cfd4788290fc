// SPDX-License-Identifier: Apache-2.0
// A layer of your own: y = x * scale, a number for each column. Its gradients are checked by finite differences, and then it is
// trained between an embedding and a loss, on two stages.

import Pipeline

struct Scale: Layer {
    let scale: Parameter
    let inputColumns: Int?

    /// Reserves memory in the stage's plan; the layer itself only knows where it lies.
    init(columns: Int, plan: inout StagePlan) {
        scale = plan.parameter("scale", Shape(columns), .constant(1))
        inputColumns = columns
    }

    /// x and y are [tokens, columns].
    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        let factors = frame[scale]
        for index in 0..<x.count { y[index] = x[index] * factors[index % factors.count] }
    }

    /// Overwrites dx.
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        let factors = frame[scale]
        for index in 0..<x.count { dx[index] = dy[index] * factors[index % factors.count] }
    }

    /// Adds to the gradient: it is the sum over a step's microbatches.
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        let gradient = frame.gradient(of: scale)
        for index in 0..<x.count { gradient[index % gradient.count] += dy[index] * x[index] }
    }
}

let scale = Unit(name: "scale", layer: 0, outputColumns: 6) { Scale(columns: 6, plan: &$0) }

// The errors are relative: a wrong gradient is off by percents, rounding in fp32 by about 1e-5.
let probe = try LayerProbe(scale, inputColumns: 6, batch: BatchShape(sequences: 2, sequenceLength: 5))
probe.x.fill { Float($0 % 7) - 3 }
probe.dy.fill { Float($0 % 5) - 2 }
for (name, error) in probe.gradientErrors().sorted(by: { $0.key < $1.key }) {
    print("gradient of \(name): \(error < 1e-3 ? "right" : "off by \(error)")")
}

let embedding = Unit(name: "embedding", layer: nil, outputColumns: 6) {
    Embedding("tokens", vocabulary: 11, dim: 6, initializer: .normal(1), plan: &$0)
}
let head = Unit(name: "head", layer: nil, outputColumns: 0) { plan in
    let norm = LayerNorm("norm", columns: 6, plan: &plan)
    let project = Linear("out", inputs: 6, outputs: 11, plan: &plan)
    return LossHead(norm: norm, project: project, dim: 6, vocabulary: 11, plan: &plan)
}
let model = Model(
    name: "scaled", vocabulary: 11, sequenceLength: 5, layers: 1, units: [embedding, scale, head])
var configuration = RunConfiguration(model: model, schedule: .oneFOneB(ranks: 2, microbatches: 4))
// Where the second stage begins: with the head.
configuration.partition = .given(Partition(startingAt: [2], of: 3))
let result = try RunPlan(configuration).run()
print("\(result.plan.layout): loss \(result.losses.first!) at first, \(result.loss) after \(result.steps) steps")
