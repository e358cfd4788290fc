// SPDX-License-Identifier: Apache-2.0
// Three learning rates, each warmed up over ten steps and then lowered along a cosine; one that does no better is given up.

import Foundation
import Pipeline

for rate in [1e-4, 1e-3, 1e-2] {
    var spec = ModelSpec(.gpt)
    (spec.vocabulary, spec.dim, spec.layers, spec.sequenceLength) = (64, 32, 2, 16)
    var configuration = RunConfiguration(model: spec.model(), schedule: .oneFOneB(ranks: 2, microbatches: 4))
    (configuration.warmupSteps, configuration.measuredSteps) = (0, 60)
    configuration.optimizer = .adam(rate: rate)
    configuration.rateFactor = { $0 < 10 ? Double($0 + 1) / 10 : 0.5 + 0.5 * cos(.pi * Double($0 - 10) / 50) }
    let result = try RunPlan(configuration).run { $0.finished.map { $0.loss > 100 } == true ? .stop : .goOn }
    print("rate \(rate): loss \(result.losses.first!) to \(result.loss) in \(result.steps) steps")
}
