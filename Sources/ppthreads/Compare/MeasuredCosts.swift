// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What actions took in a comparison: means over all stages and microbatches of its candidates' typical steps, of a rank's whole share.
/// Time counts in which the rank had a CPU: what it lost meanwhile is the machine's, and no order's.
package struct MeasuredCosts {
    /// The unit of `costs` in seconds: a forward.
    package let unit: Double
    /// To three digits after the point. The hand-off is the first candidate's.
    package let costs: ChunkCosts
    /// Whether I and W were done apart by any; otherwise each is taken for half a backward.
    package let isSplit: Bool

    init(_ candidates: [CandidateFigures]) {
        self.init(
            candidates.map { ($0.plan.schedule, $0.typicalStep) }, handOff: candidates[0].handoffSeconds?.value ?? 0)
    }

    /// - Parameter handOff: in seconds.
    package init(_ steps: [(schedule: Schedule, times: StepTimes)], handOff: Double) {
        var shares = 0.0
        var work: [RankTask.Kind: Double] = [:]
        for (schedule, step) in steps {
            shares += Double(schedule.ranks / schedule.replicas * schedule.microbatches)
            for (task, times) in zip(step.graph.tasks.joined(), step.tasks.joined()) {
                work[task.kind, default: 0] += times.onCPU
            }
        }
        let (input, weights) = (work[.backwardInput] ?? 0, work[.backwardWeights] ?? 0)
        let unit = (work[.forward] ?? 0) / shares
        let backward = ((work[.backward] ?? 0) + input + weights) / shares
        let partOfInput = input + weights > 0 ? input / (input + weights) : 0.5
        func units(_ seconds: Double) -> Double { unit > 0 ? (seconds / unit * 1000).rounded() / 1000 : 0 }
        self.unit = unit
        isSplit = input + weights > 0
        costs = ChunkCosts(
            forward: 1, inputGradient: units(backward * partOfInput),
            weightGradient: units(backward * (1 - partOfInput)),
            handOff: units(handOff))
    }

    /// The same for one of a rank's stages.
    package func costs(of schedule: Schedule) -> ChunkCosts {
        let share = Double(schedule.ranks / schedule.replicas) / Double(schedule.stagesOfCopy)
        return ChunkCosts(
            forward: costs.forward * share, inputGradient: costs.inputGradient * share,
            weightGradient: costs.weightGradient * share, handOff: costs.handOff)
    }
}
