// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing

/// What a schedule promises of its results, and how a run is held to it.
struct PromiseTests {
    @Test("the bits of one stage are promised where every stage adds up its microbatches in ascending order")
    func promises() throws {
        func bits(_ lists: [String]) throws -> BitsPromise {
            let actions = lists.enumerated().map { rank, list in
                list.split(separator: " ").map { action("\(rank)\($0)") }
            }
            let ranks = Array(lists.indices)
            return try Schedule(name: "given", microbatches: 3, rankOfStage: ranks, actions: actions).validated().bits
        }
        #expect(try bits(["F2 F1 F0 B0 B1 B2"]) == .asOneStage)
        #expect(try bits(["F0 F1 F2 I2 I1 I0 W0 W1 W2"]) == .asOneStage)
        #expect(try bits(["F0 F1 F2 I1 B0 W1 B2"]) == .asOneStage)
        #expect(
            try bits(["F0 F1 F2 B0 B2 B1", "F0 F1 F2 I0 I2 I1 W0 W1 W2"])
                == .toRounding(reason: "stage 0 adds up the weight gradients of microbatch 2 before those of 1"))
        #expect(
            try bits(["F0 F1 F2 I0 I1 B2 W1 W0"])
                == .toRounding(reason: "stage 0 adds up the weight gradients of microbatch 2 before those of 1"))
        #expect(try descending(ranks: 2).forwardOnly().validated().bits == .asOneStage)
        for kind in ScheduleKind.allCases {
            let bits = try kind.make(ranks: kind.copies > 1 ? 2 : 3, microbatches: kind.copies > 1 ? 6 : 7).validated()
                .bits
            // Its backwards go through the microbatches in descending order.
            #expect((bits == .asOneStage) == (kind != .loopedBFS && kind.copies == 1), "\(kind.title)")
        }
    }

    @Test(
        "a descending order has other bits, agrees to rounding, and a gradient that is wrong by a thousandth does not",
        arguments: Architecture.allCases)
    func descendingOrder(architecture: Architecture) throws {
        let baseline = try run(architecture, .gpipe(ranks: 1, microbatches: 4))
        let result = try run(architecture, descending(ranks: 2))
        #expect(result.plan.agreement.bits.label == "to rounding")
        #expect(!result.gradients!.differences(from: baseline.gradients!).isEmpty)
        #expect(result.difference(fromOneStage: baseline) == nil)

        let gradient = result.gradients!.tensor(result.plan.parameters.last!)
        for index in 0..<gradient.count { gradient[index] *= 1.001 }
        #expect(
            result.difference(fromOneStage: baseline) == "1 gradients, the first \(result.plan.parameters.last!.name)")
    }

    @Test("the tolerance is 2 n u a step: 3 steps of 60 tokens, which count as 1024") func tolerance() throws {
        let plan = try RunPlan(configuration(.gpt, descending(ranks: 2)))
        #expect(plan.agreement.tolerance == 3 * 2 * 1024 * 0x1p-24)
    }

    @Test("a run of another seed is told from rounding by its losses, in the first step too") func otherSeed() throws {
        let baseline = try run(.gpt, .gpipe(ranks: 1, microbatches: 4))
        let other = try run(.gpt, descending(ranks: 2)) { $0.seed = 1 }
        #expect(other.difference(fromOneStage: baseline)!.hasPrefix("loss of step 1: "))
    }

    @Test("a layer that loses a microbatch's gradient is not rounding") func lostGradient() throws {
        func model(_ lost: Int?) -> Model {
            Model(
                name: "lossy", vocabulary: 11, sequenceLength: 3, layers: 0,
                units: [
                    embedding(columns: 6, vocabulary: 11),
                    Unit(name: "scale", layer: nil, outputColumns: 6) { Lossy(lost, plan: &$0) },
                    lossHead(columns: 6, vocabulary: 11),
                ])
        }
        func run(_ lost: Int?, _ schedule: Schedule) throws -> RunResult {
            var configuration = RunConfiguration(model: model(lost), schedule: schedule)
            configuration.keepsGradients = true
            configuration.partition = .balanced
            configuration.optimizer = .sgd(rate: 10)
            (configuration.warmupSteps, configuration.measuredSteps) = (0, 2)
            return try RunPlan(configuration).run()
        }
        let baseline = try run(nil, .gpipe(ranks: 1, microbatches: 4))
        #expect(try run(nil, descending(ranks: 1)).difference(fromOneStage: baseline) == nil)
        // The loss of the first step, of weights that nothing was done to yet, is right.
        let lost = try run(2, descending(ranks: 1)).difference(fromOneStage: baseline)
        #expect(lost?.hasPrefix("loss of step 2: ") == true)
    }

    @Test("a comparison takes a schedule that keeps its promise of rounding, and no one that breaks it")
    func comparison() throws {
        func plan(_ schedule: Schedule, seed: UInt64 = 0) throws -> RunPlan {
            var configuration = configuration(.decoder, schedule)
            configuration.seed = seed
            return try RunPlan(configuration)
        }
        func compare(_ plan: RunPlan, _ oneStage: RunPlan) throws {
            let candidate = Comparison.Candidate(transport: .threads, plan: plan)
            // Orders are drawn: of two rounds, some have either run before the other.
            _ = try Comparison([candidate], oneStage: oneStage, rounds: 2, seed: 0)
        }
        let oneStage = try plan(.gpipe(ranks: 1, microbatches: 4))
        try compare(try plan(descending(ranks: 2)), oneStage)
        #expect(throws: RunError.self) { try compare(try plan(descending(ranks: 2), seed: 1), oneStage) }
    }

    // MARK: Runs

    private func descending(ranks: Int) -> Schedule {
        let ascending = Schedule.gpipe(ranks: ranks, microbatches: 4)
        let actions = ascending.actions.map { list in
            list.filter { $0.kind == .forward } + list.filter { $0.kind == .backward }.reversed()
        }
        return Schedule(
            name: "descending", microbatches: 4, rankOfStage: ascending.rankOfStage, actions: actions)
    }

    private func configuration(_ architecture: Architecture, _ schedule: Schedule) -> RunConfiguration {
        var configuration = smallConfiguration(architecture, schedule)
        configuration.measuredSteps = 3
        return configuration
    }

    private func run(
        _ architecture: Architecture, _ schedule: Schedule, change: (inout RunConfiguration) -> Void = { _ in }
    ) throws -> RunResult {
        var configuration = configuration(architecture, schedule)
        change(&configuration)
        return try RunPlan(configuration).run()
    }
}

func embedding(columns: Int, vocabulary: Int) -> Unit {
    Unit(name: "embedding", layer: nil, outputColumns: columns) {
        Embedding("e", vocabulary: vocabulary, dim: columns, initializer: .normal(1), plan: &$0)
    }
}

/// A norm, a projection and the loss.
func lossHead(columns: Int, vocabulary: Int, name: String = "head") -> Unit {
    Unit(name: name, layer: nil, outputColumns: 0) { plan in
        let norm = LayerNorm("norm", columns: columns, plan: &plan)
        let project = Linear("out", inputs: columns, outputs: vocabulary, plan: &plan)
        return LossHead(norm: norm, project: project, dim: columns, vocabulary: vocabulary, plan: &plan)
    }
}

/// A scale that adds no gradient for one of the microbatches, as told by the count of its calls.
private struct Lossy: Layer {
    private let inner: Scale
    private let calls: Parameter
    private let lost: Int?

    init(_ lost: Int?, plan: inout StagePlan) {
        self.lost = lost
        inner = Scale("scale", columns: 6, plan: &plan)
        calls = plan.parameter("calls", Shape(1), .constant(0))
    }

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) { inner.forward(x, into: y, frame) }
    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        inner.backwardInput(dy, input: x, into: dx, frame)
    }
    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        // The weights are free to be used for counting: they change with the update alone.
        let count = frame[calls]
        if Int(count[0]) % 4 != lost { inner.backwardWeights(dy, input: x, frame) }
        count[0] += 1
    }
}
