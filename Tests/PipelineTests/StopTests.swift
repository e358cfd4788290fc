// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Synchronization
import Testing
import Threads

/// When a run that is asked to stop does so.
struct StopTests {
    @Test(
        "the step in which a stop is asked for is the last; where gradients are kept, the one behind it",
        arguments: [(false, 1), (true, 2)])
    func last(keepsGradients: Bool, steps: Int) throws {
        let begun = Flag()
        let model = chain(with: Unit(name: "slow", layer: 0, outputColumns: 6) { Slow(begun, plan: &$0) })
        var configuration = RunConfiguration(model: model, schedule: .gpipe(ranks: 1, microbatches: 1))
        configuration.batchSize = 1
        (configuration.warmupSteps, configuration.measuredSteps) = (0, 5)
        configuration.keepsGradients = keepsGradients
        let result = try RunPlan(configuration).run { _ in begun.value.load(ordering: .acquiring) ? .stop : .goOn }
        #expect(result.steps == steps)
    }
}

private final class Flag: Sendable { let value = Atomic(false) }

/// Scales, after a rest that is several looks of the supervisor's long.
private struct Slow: Layer {
    private let begun: Flag
    private let inner: Scale

    init(_ begun: Flag, plan: inout StagePlan) {
        self.begun = begun
        inner = Scale("slow", columns: 6, plan: &plan)
    }

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        begun.value.store(true, ordering: .releasing)
        Clock.sleep(nanoseconds: 700_000_000)
        inner.forward(x, into: y, frame)
    }

    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        inner.backwardInput(dy, input: x, into: dx, frame)
    }

    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        inner.backwardWeights(dy, input: x, frame)
    }
}
