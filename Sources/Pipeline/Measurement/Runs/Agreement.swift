// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// How results of one model under two schedules are compared: to the bit, or to rounding.
///
/// To rounding, gradients may differ by `tolerance` times the norm of the tensor, and losses by that much of the loss. It is
/// 2 n u for each time that gradients were added up before, u = 2^-24 and n the tokens of a batch, or 1024 if they are fewer: two orders of adding up n terms differ
/// by no more than 2 n u times the sum of the terms' magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 4.2).
/// Rounding errors mostly cancel each other, by a factor of the square root of n or more; that is what is left for gradients
/// whose terms cancel, and for the weights that differ from the second step on, which a small batch has no less of.
///
/// So losses of the first step are equal to the bit: all forwards are the same. Weights are not compared to rounding:
/// Adam makes a whole step of a gradient that is nothing but a rounding error.
public struct Agreement: Sendable {
    /// To the bit, or to rounding.
    public let bits: BitsPromise
    /// Of gradients in the last step, relative.
    public var tolerance: Double { Double(steps) * toleranceOfStep }
    private let steps: Int
    private let toleranceOfStep: Double

    /// Of runs with such a configuration and facts, the ones that promise less deciding.
    init(_ bits: BitsPromise, _ configuration: RunConfiguration) {
        self.bits = bits
        let terms = Double(configuration.batchSize) * Double(configuration.model.sequenceLength)
        steps = configuration.steps
        toleranceOfStep = 2 * max(terms, 1024) * 0x1p-24
    }

    /// What differs in losses, given as bits; nil when nothing does.
    func difference(ofLosses losses: [UInt32], from expected: [UInt32]) -> String? {
        if losses.count != expected.count { return "\(losses.count) losses instead of \(expected.count)" }
        for (step, (loss, other)) in zip(losses, expected).enumerated() where loss != other {
            let (found, wanted) = (Float(bitPattern: loss), Float(bitPattern: other))
            let most = Double(step) * toleranceOfStep * abs(Double(wanted))
            let isNear = abs(Double(found) - Double(wanted)) <= most
            if bits == .asOneStage || !isNear {
                return "loss of step \(step + 1): \(found) instead of \(wanted)"
            }
        }
        return nil
    }

    /// What differs in images of gradients, or of weights; nil when nothing does.
    func difference(of image: CheckpointImage, from expected: CheckpointImage, _ what: String) -> String? {
        let names =
            switch bits {
            case .asOneStage: image.differences(from: expected)
            case .toRounding:
                image.parameters.filter { !isNear(image.tensor($0), expected.tensor($0)) }.map(\.name)
            }
        return names.first.map { "\(names.count) \(what), the first \($0)" }
    }

    private func isNear(_ a: Tensor, _ b: Tensor) -> Bool {
        let (found, wanted) = (a.values, b.values)
        let difference = zip(found, wanted).reduce(0) { $0 + square(Double($1.0) - Double($1.1)) }
        let norm = wanted.reduce(0) { $0 + square(Double($1)) }
        // Written so that NaN is not near.
        return difference <= square(tolerance) * norm
    }

    private func square(_ x: Double) -> Double { x * x }
}

extension RunPlan {
    /// How this run's results compare with those on one stage.
    public var agreement: Agreement { Agreement(facts.bits, configuration) }
}

extension RunResult {
    /// What differs between the weights of copies of one stage after the last step; nil when nothing does, as it has to be.
    public var differenceOfCopies: String? {
        let schedule = plan.schedule
        var marks = [UInt64?](repeating: nil, count: schedule.stages)
        for (stages, report) in zip(schedule.stagesOfRanks, ranks) {
            for (stage, mark) in zip(stages, report.weightMarks) { marks[stage] = mark }
        }
        guard let stage = marks.indices.first(where: { marks[$0] != marks[schedule.modelStage($0)] }) else {
            return nil
        }
        return
            "the weights of stage \(stage) are not those of stage \(schedule.modelStage(stage)), of which it is a copy"
    }

    /// What differs from the same model, data, seed and M on one stage beyond what the schedule promises; nil when nothing does.
    ///
    /// Compares losses, and gradients and weights as far as both runs kept them.
    public func difference(fromOneStage baseline: RunResult) -> String? {
        let agreement = plan.agreement
        let (bits, expected) = (losses.map(\.bitPattern), baseline.losses.map(\.bitPattern))
        if let text = agreement.difference(ofLosses: bits, from: expected) { return text }
        if let gradients, let other = baseline.gradients,
            let text = agreement.difference(of: gradients, from: other, "gradients")
        {
            return text
        }
        guard let weights, let other = baseline.weights, agreement.bits == .asOneStage else { return nil }
        return agreement.difference(of: weights, from: other, "weights")
    }
}
