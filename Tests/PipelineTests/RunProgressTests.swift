// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Synchronization
import Testing
import Threads

@Suite("what a run tells while it goes on") struct RunProgressTests {
    @Test("every step is told once, in order, with its loss and when it ended")
    func steps() throws {
        var configuration = smallConfiguration(.gpt, .oneFOneB(ranks: 2, microbatches: 4))
        (configuration.warmupSteps, configuration.measuredSteps) = (3, 200)
        var told: [FinishedStep] = []
        let result = try RunPlan(configuration).run {
            if let step = $0.finished { told.append(step) }
            return .goOn
        }
        #expect(told.map(\.step) == Array(0..<203))
        try #require(told.count == 203)
        #expect(told.map(\.loss.bitPattern) == result.losses.map(\.bitPattern))
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.secondsSinceStart < $1.secondsSinceStart })
        #expect(told[0].secondsSinceStart > result.setUpSeconds && told[202].secondsSinceStart < result.totalSeconds)
        #expect(told == result.finishedSteps)
    }

    @Test("no step of a short run is left out", arguments: [1, 2, 3, 20]) func short(steps: Int) throws {
        var configuration = smallConfiguration(.gpt, .gpipe(ranks: 1, microbatches: 4))
        (configuration.warmupSteps, configuration.measuredSteps) = (0, steps)
        var told: [Int] = []
        _ = try RunPlan(configuration).run {
            if let step = $0.finished { told.append(step.step) }
            return .goOn
        }
        #expect(told == Array(0..<steps))
    }

    @Test("a loss ends the run after its own step, on any number of ranks", arguments: [1, 2], [false, true])
    func exact(ranks: Int, keepsGradients: Bool) throws {
        var configuration = smallConfiguration(.gpt, .oneFOneB(ranks: ranks, microbatches: 4))
        (configuration.warmupSteps, configuration.measuredSteps) = (2, 30)
        configuration.keepsGradients = keepsGradients
        let whole = try RunPlan(configuration).run()
        configuration.stopsAfter = { step, loss in step >= 7 && loss == whole.losses[step] }
        let stopped = try RunPlan(configuration).run()
        #expect(stopped.steps == (keepsGradients ? 9 : 8))
        #expect(stopped.losses == Array(whole.losses.prefix(stopped.steps)))
        configuration.stopsAfter = { _, loss in loss < 0 }
        #expect(try RunPlan(configuration).run().steps == 32)
    }

    @Test("who looks on can end the run by what a step gave") func ends() throws {
        var configuration = smallConfiguration(.gpt, .gpipe(ranks: 1, microbatches: 4))
        (configuration.warmupSteps, configuration.measuredSteps) = (0, 1_000_000)
        (configuration.keepsGradients, configuration.keepsTimeline) = (false, false)
        var last = -1
        let result = try RunPlan(configuration).run {
            last = $0.finished?.step ?? last
            return last >= 5 ? .stop : .goOn
        }
        #expect(result.steps < 1_000_000 && last == result.steps - 1)
    }

    @Test("of a run that fails, the steps before it are told") func failed() throws {
        let calls = Calls()
        let model = chain(with: Unit(name: "fails", layer: 0, outputColumns: 6) { Late(calls, after: 3, plan: &$0) })
        var configuration = RunConfiguration(model: model, schedule: .gpipe(ranks: 4, microbatches: 1))
        configuration.partition = .balanced
        (configuration.batchSize, configuration.timeoutSeconds) = (1, 0.5)
        var told: [Int] = []
        #expect(throws: RunError.self) {
            try RunPlan(configuration).run {
                if let step = $0.finished { told.append(step.step) }
                return .goOn
            }
        }
        #expect(told == [0, 1, 2])
    }

    @Test("steps that were overwritten before anyone looked are left out, and no other's loss is told for them")
    func overwritten() throws {
        let losses = try StepLosses(steps: 100_000, ThreadTransport())
        var finished = FinishedSteps(losses, began: 1_000)
        #expect(losses.slots == 4096 && finished.take(at: 0).isEmpty)
        func record(_ steps: Range<Int>) {
            for step in steps { losses.record(Float(step) / 2, ofStep: step, at: 1_000 + 500_000_000 * UInt64(step)) }
        }
        record(0..<3)
        #expect(losses[3] == nil && losses[4096] == nil)
        let first = finished.take(at: 3)
        #expect(first.map(\.step) == [0, 1, 2] && first.map(\.loss) == [0, 0.5, 1])
        #expect(first.map(\.secondsSinceStart) == [0, 0.5, 1])
        #expect(finished.take(at: 3).isEmpty)
        record(3..<10_000)
        #expect(losses[3] == nil && losses[9_999]?.loss == 4999.5)
        let rest = finished.take(at: 10_000)
        #expect(rest.last?.step == 9_999 && rest.count > 4_000)
        #expect(rest.allSatisfy { $0.loss == Float($0.step) / 2 })
        #expect(zip(rest, rest.dropFirst()).allSatisfy { $0.step + 1 == $1.step })
    }
}

@Suite("learning rates as a function of the step") struct RateTests {
    private func train(_ factors: [Double], rate: Double = 0.01, isAdam: Bool = true) throws -> RunResult {
        try train(steps: factors.count) {
            $0.optimizer = isAdam ? .adam(rate: rate) : .sgd(rate: rate)
            $0.rateFactor = { factors[$0] }
        }
    }

    private func train(steps: Int, _ change: (inout RunConfiguration) -> Void) throws -> RunResult {
        var configuration = smallConfiguration(.gpt, .oneFOneB(ranks: 2, microbatches: 4))
        (configuration.warmupSteps, configuration.measuredSteps) = (1, steps - 1)
        change(&configuration)
        return try RunPlan(configuration).run()
    }

    @Test("each step has its own rate: its factor times the optimizer's", arguments: [true, false])
    func each(isAdam: Bool) throws {
        let constant = try train(steps: 3) { $0.optimizer = isAdam ? .adam(rate: 0.005) : .sgd(rate: 0.005) }
        #expect(try train([0.5, 0.5, 0.5], isAdam: isAdam).weights!.differences(from: constant.weights!) == [])
        // A step without a rate changes nothing, whichever it is: the weights are those of the steps before it.
        let two = try train([1, 0.25], isAdam: isAdam)
        #expect(try train([1, 0.25, 0], isAdam: isAdam).weights!.differences(from: two.weights!) == [])
        #expect(try train([1, 0, 0.25], isAdam: isAdam).weights!.differences(from: two.weights!) != [])
        #expect(two.plan.rate(ofStep: 1) == 0.0025 && constant.plan.rate(ofStep: 2) == 0.005)
    }

    @Test("a factor that is no rate's is refused, with its step") func refusal() throws {
        for factor in [-1, Double.nan, .infinity] {
            #expect {
                try train([1, factor])
            } throws: {
                "\($0)" == "rateFactor: \(factor) is not allowed; in step 1, a finite number, at least 0"
            }
        }
    }
}

private final class Calls: Sendable { let count = Atomic(0) }

/// Scales; from its n-th forward on it takes longer than anybody waits.
private struct Late: Layer {
    private let calls: Calls
    private let most: Int
    private let inner: Scale

    init(_ calls: Calls, after most: Int, plan: inout StagePlan) {
        (self.calls, self.most) = (calls, most)
        inner = Scale("late", columns: 6, plan: &plan)
    }

    func forward(_ x: Tensor, into y: Tensor, _ frame: Frame) {
        let count = calls.count.wrappingAdd(1, ordering: .relaxed).newValue
        if count > most { Clock.sleep(nanoseconds: 1_500_000_000) }
        inner.forward(x, into: y, frame)
    }

    func backwardInput(_ dy: Tensor, input x: Tensor, into dx: Tensor, _ frame: Frame) {
        inner.backwardInput(dy, input: x, into: dx, frame)
    }

    func backwardWeights(_ dy: Tensor, input x: Tensor, _ frame: Frame) {
        inner.backwardWeights(dy, input: x, frame)
    }
}
