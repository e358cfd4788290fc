// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What `--log` writes: a line for each step, warm-up included.
struct RunLog {
    private let plan: RunPlan
    private(set) var steps: [FinishedStep] = []

    init(of plan: RunPlan) { self.plan = plan }

    mutating func add(_ step: FinishedStep) { steps.append(step) }

    /// Once the run has ended: all of them.
    mutating func complete(_ result: RunResult) { steps = result.finishedSteps }

    var text: String {
        let configuration = plan.configuration
        let tokens = configuration.batchSize * configuration.model.sequenceLength
        let lines = steps.map { step in
            let fields: [String] = [
                "\(step.step)", "\(step.step < configuration.warmupSteps ? 0 : 1)", step.loss.text,
                "\(plan.rate(ofStep: step.step))", "\((step.step + 1) * tokens)", step.secondsSinceStart.fixed(6),
            ]
            return fields.joined(separator: ",")
        }
        return (["step,measured,loss,lr,tokens,elapsed_s"] + lines).map { $0 + "\n" }.joined()
    }
}
