// SPDX-License-Identifier: Apache-2.0

import Threads

/// Measures what a model's units take, as they run in a pipeline: real steps whose stages are single units, in blocks on as many ranks
/// as the runs have that are to be predicted. So caches are as warm, and memory is as contended, as there.
public struct Profile: Sendable {
    /// What was measured.
    public let costs: Costs

    /// - Parameter configuration: model, microbatches, ranks, transport and threads are taken from it.
    /// - Throws: as a run.
    public init(_ configuration: RunConfiguration) throws(RunError) {
        let ranks = configuration.schedule.ranks / configuration.schedule.replicas
        let microbatches = configuration.schedule.microbatches / configuration.schedule.replicas
        var samples = Samples(units: configuration.model.units.count)
        for schedule in [
            Schedule.oneFOneB(ranks: ranks, microbatches: microbatches),
            Schedule.zeroBubble(ranks: ranks, microbatches: microbatches),
        ] {
            var cut = configuration
            cut.schedule = schedule
            cut.batchSize = configuration.batchSize / configuration.schedule.replicas
            cut.partition = .balanced
            cut.recomputes = false
            let blocks = try RunPlan(cut).partition
            cut.schedule = schedule.refined(blocks.ranges.map(\.count))
            cut.partition = .given(
                Partition(
                    startingAt: Array(1..<configuration.model.units.count), of: configuration.model.units.count))
            (cut.warmupSteps, cut.measuredSteps) = (2, 8)
            (cut.keepsTimeline, cut.keepsWeights, cut.keepsGradients) = (true, false, false)
            samples.add(try RunPlan(cut).run())
        }
        costs = samples.costs
    }

    /// Times of each unit, kind by kind.
    private struct Samples {
        private var times: [[RankTask.Kind: [Double]]]
        private var updates: [Double] = []
        private var handoffs: [Double] = []

        init(units: Int) { times = Array(repeating: [:], count: units) }

        mutating func add(_ result: RunResult) {
            let plan = result.plan
            for step in result.timedSteps {
                let measured = result.times(ofStep: step)
                for node in measured.graph.order {
                    let task = measured.graph.tasks[node.rank][node.task]
                    let seconds = measured.tasks[node.rank][node.task].onCPU
                    if let stage = task.stage {
                        times[plan.schedule.modelStage(stage)][task.kind, default: []].append(seconds)
                    } else {
                        updates.append(seconds / Double(plan.weightBytesOfRank[node.rank] / 4))
                    }
                    if let handoff = measured.handoffSeconds(node) { handoffs.append(handoff) }
                }
            }
        }

        var costs: Costs {
            Costs(
                units: times.map { kinds in
                    func median(_ kind: RankTask.Kind) -> Double { kinds[kind].map { Statistics($0).median } ?? 0 }
                    return UnitCosts(
                        forward: median(.forward), backward: median(.backward), inputGradient: median(.backwardInput),
                        weightGradient: median(.backwardWeights), packing: median(.packing))
                },
                updateOfParameter: Statistics(updates).median,
                link: LinkCost(latency: handoffs.isEmpty ? 0 : Statistics(handoffs).median))
        }
    }
}
