// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing

/// Every difference that `verify` can find, each in results that differ in nothing else.
struct DifferenceTests {
    private let exact: RunPlan
    private let rounded: RunPlan
    private static let microbatches = 4

    /// A plan whose results are one stage's to the bit, and one whose gradients add up the other way round; of three steps.
    init() throws {
        func plan(_ schedule: Schedule) throws -> RunPlan {
            var configuration = smallConfiguration(.gpt, schedule)
            configuration.measuredSteps = 3
            configuration.keepsTimeline = false
            return try RunPlan(configuration)
        }
        let ascending = Schedule.gpipe(ranks: 1, microbatches: Self.microbatches)
        exact = try plan(ascending)
        let list = ascending.actions[0]
        let descending = list.prefix(Self.microbatches) + list.suffix(Self.microbatches).reversed()
        rounded = try plan(
            Schedule(
                name: "descending", microbatches: Self.microbatches, rankOfStage: [0], actions: [Array(descending)]))
    }

    /// What a run leaves, all of it made up: its losses, and images whose parameters are all 0 but for what is set.
    private func result(
        _ plan: RunPlan, _ losses: [Float] = [4, 4, 4], images: (weights: CheckpointImage, gradients: CheckpointImage)?
    ) -> RunResult {
        var report = RankReport(rank: 0, pinnings: [.free], cpu: 0)
        report.lossBits = losses.map(\.bitPattern)
        return RunResult(
            plan: plan, ranks: [report], timeline: nil, weights: images?.weights, gradients: images?.gradients,
            began: 0,
            ended: 1)
    }

    private func difference(_ plan: RunPlan, _ losses: [Float], from expected: [Float] = [4, 4, 4]) -> String? {
        result(plan, losses, images: nil).difference(fromOneStage: result(exact, expected, images: nil))
    }

    /// Zeroed images of a plan's parameters.
    private func images(_ plan: RunPlan) throws -> (weights: CheckpointImage, gradients: CheckpointImage) {
        let run = try plan.run()
        let (weights, gradients) = (try #require(run.weights), try #require(run.gradients))
        for image in [weights, gradients] { for parameter in image.parameters { image.tensor(parameter).fill(0) } }
        return (weights, gradients)
    }

    @Test("a loss that differs by one bit, in any step, is told with both") func loss() {
        #expect(difference(exact, [4, 4, 4]) == nil)
        let next = Float(4).nextUp
        for step in 0..<3 {
            var losses: [Float] = [4, 4, 4]
            losses[step] = next
            #expect(difference(exact, losses) == "loss of step \(step + 1): \(next) instead of 4.0")
        }
        #expect(difference(exact, [4, 5, 6]) == "loss of step 2: 5.0 instead of 4.0")
        #expect(difference(exact, [0, 4, 4], from: [-0.0, 4, 4]) == "loss of step 1: 0.0 instead of -0.0")
    }

    @Test("NaN differs from a number, whichever has it, and not from the same NaN") func noNumber() {
        #expect(difference(exact, [4, .nan, 4]) == "loss of step 2: nan instead of 4.0")
        #expect(difference(exact, [4, 4, 4], from: [4, 4, .nan]) == "loss of step 3: 4.0 instead of nan")
        #expect(difference(exact, [4, 4, .nan], from: [4, 4, .nan]) == nil)
        #expect(difference(rounded, [4, 4, .nan]) == "loss of step 3: nan instead of 4.0")
        #expect(difference(rounded, [4, 4, 4], from: [4, .nan, 4]) == "loss of step 2: 4.0 instead of nan")
        #expect(difference(rounded, [4, 4, .infinity]) == "loss of step 3: inf instead of 4.0")
    }

    @Test("fewer losses differ, and so do more") func count() {
        for plan in [exact, rounded] {
            #expect(difference(plan, [4, 4]) == "2 losses instead of 3")
            #expect(difference(plan, [4, 4, 4, 4]) == "4 losses instead of 3")
            #expect(difference(plan, []) == "0 losses instead of 3")
        }
    }

    @Test("to rounding, a loss may be off by 2 n u for each step before it, n being 1024 or more, and by no bit more")
    func lossToRounding() {
        // 2 x 1024 x 2^-24 is 2^-13; of 4, 2^-11 in the second step and 2^-10 in the third. One bit of 4 is 2^-21, below it 2^-22.
        #expect(difference(rounded, [4, 4 + 0x1p-11, 4 - 0x1p-10]) == nil)
        let (second, third) = (Float(4) + 0x1p-11 + 0x1p-21, Float(4) - 0x1p-10 - 0x1p-22)
        #expect(difference(rounded, [4, second, 4]) == "loss of step 2: \(second) instead of 4.0")
        #expect(difference(rounded, [4, 4, third]) == "loss of step 3: \(third) instead of 4.0")
        let first = Float(4).nextDown
        #expect(difference(rounded, [first, 4, 4]) == "loss of step 1: \(first) instead of 4.0")
    }

    @Test("gradients and weights that differ by one bit are counted, and the first is named") func images() throws {
        let (one, other) = (try images(exact), try images(exact))
        func difference() -> String? {
            result(exact, images: one).difference(fromOneStage: result(exact, images: other))
        }
        #expect(difference() == nil)
        let names = exact.parameters.map(\.name)
        let (second, last) = (exact.parameters[1], exact.parameters.last!)
        one.weights.tensor(last)[0] = .leastNonzeroMagnitude
        #expect(difference() == "1 weights, the first \(names.last!)")
        // Gradients are told first.
        one.gradients.tensor(last)[1] = -0.0
        #expect(difference() == "1 gradients, the first \(names.last!)")
        other.gradients.tensor(second)[0] = .nan
        #expect(difference() == "2 gradients, the first \(names[1])")
        one.gradients.tensor(second)[0] = .nan
        one.gradients.tensor(last)[1] = 0
        one.weights.tensor(second)[0] = 1
        #expect(difference() == "2 weights, the first \(names[1])")
        // What one of both did not keep is not compared; losses are, and before all else.
        #expect(result(exact, images: nil).difference(fromOneStage: result(exact, images: other)) == nil)
        #expect(
            result(exact, [4, 4, 5], images: one).difference(fromOneStage: result(exact, images: other))
                == "loss of step 3: 5.0 instead of 4.0")
    }

    @Test(
        "to rounding, a gradient may be off by 2 n u a step of its norm, and by no bit more; weights are not compared")
    func imagesToRounding() throws {
        let (one, other) = (try images(rounded), try images(exact))
        func difference() -> String? {
            result(rounded, images: one).difference(fromOneStage: result(exact, images: other))
        }
        let parameter = rounded.parameters[2]
        let (found, wanted) = (one.gradients.tensor(parameter), other.gradients.tensor(parameter))
        // A norm of 5, and a distance of 5 x 3 x 2^-13: of 3 and 4 parts of it along two elements.
        (wanted[0], wanted[1]) = (3, 4)
        (found[0], found[1]) = (3 + 9 * 0x1p-13, 4 - 12 * 0x1p-13)
        #expect(difference() == nil)
        found[0] = found[0].nextUp
        #expect(difference() == "1 gradients, the first \(parameter.name)")
        found[0] = .nan
        #expect(difference() == "1 gradients, the first \(parameter.name)")
        (found[0], wanted[0]) = (3, .nan)
        #expect(difference() == "1 gradients, the first \(parameter.name)")
        (found[0], wanted[0], found[1]) = (3, 3, 4)
        one.weights.tensor(parameter)[0] = 17
        #expect(difference() == nil)
    }
}
