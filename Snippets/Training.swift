// SPDX-License-Identifier: Apache-2.0
// A model trained on two ranks: what docs/architecture.md and the library's first page show.

import Pipeline

var configuration = RunConfiguration(
    model: ModelSpec(.gpt).model(), schedule: .oneFOneB(ranks: 2, microbatches: 4))
configuration.partition = .balanced
configuration.rateFactor = { step in step < 5 ? Double(step + 1) / 5 : 1 }
configuration.stopsAfter = { step, loss in loss < 4 }
let result = try RunPlan(configuration).run { progress in
    if let step = progress.finished { print(step.step, step.loss, step.secondsSinceStart) }
    return .goOn
}
print(RunFigures(result).tokensPerSecond, result.losses)
