// SPDX-License-Identifier: Apache-2.0

import Threads

/// What a step's tasks take where each stage's times are given, with or without a model.
public struct StageCosts: Equatable, Sendable {
    /// Of each of the model's stages: F, I, W and B of one microbatch, in seconds. Hand-offs are not taken from here.
    public var stages: [ChunkCosts]
    /// Of each stage, for packing its weights: once a step.
    public var packing: [Double]
    /// Of each stage, for its update: once a step.
    public var updates: [Double]
    /// Of hand-offs between ranks.
    public var link: LinkCost
    /// Of each stage but the last, bytes of what it hands on for a microbatch; its gradient has as many.
    public var itemBytes: [Int]

    /// With these values; traps unless there is one for each stage.
    public init(stages: [ChunkCosts], packing: [Double], updates: [Double], link: LinkCost, itemBytes: [Int]) {
        require(
            packing.count == stages.count && updates.count == stages.count && itemBytes.count == stages.count,
            "costs of each of \(stages.count) stages are needed")
        (self.stages, self.packing, self.updates) = (stages, packing, updates)
        (self.link, self.itemBytes) = (link, itemBytes)
    }

    /// Seconds of each of an order's tasks, for each rank.
    public func durations(_ schedule: Schedule, _ graph: TaskGraph) -> [[Double]] {
        let packers = (0..<schedule.stages).map { schedule.microbatchThatPacks($0) }
        return graph.tasks.enumerated().map { rank, list in
            let update = schedule.stagesOfRanks[rank].reduce(0) { $0 + updates[schedule.modelStage($1)] }
            return list.map { task in
                switch task {
                case .pack(let stage): packing[schedule.modelStage(stage)]
                case .action(let action):
                    stages[schedule.modelStage(action.stage)].duration(action.kind)
                        + (action.kind == .forward && packers[action.stage] == action.microbatch
                            ? packing[schedule.modelStage(action.stage)] : 0)
                case .update: update
                case .share, .sum, .collect: 0
                }
            }
        }
    }

    /// Seconds of a hand-off from a task: how long it takes to leave, and to arrive after that.
    /// - Parameters:
    ///   - task: one that hands on; gradients summed over copies cost nothing here.
    ///   - slow: of edges that have a link of their own, by their lower stage.
    func handoff(_ task: RankTask, _ schedule: Schedule, slow: [Int: LinkCost]) -> (transfer: Double, latency: Double)?
    {
        guard case .action(let action) = task else { return nil }
        let stage = schedule.modelStage(action.stage)
        let lower = action.kind == .forward ? stage : stage - 1
        let link = slow[lower] ?? link
        return (Double(itemBytes[lower]) / link.bytesPerSecond, link.latency)
    }

    /// As bounds read it: hand-offs for nothing but what the link takes at least.
    func orderCosts(slow: [Int: LinkCost]) -> OrderCosts {
        OrderCosts(
            stages.enumerated().map { stage, costs in
                var costs = costs
                func cost(_ lower: Int) -> Double {
                    if lower < 0 || lower >= stages.count - 1 { return .infinity }
                    let link = slow[lower] ?? link
                    return link.latency + Double(itemBytes[lower]) / link.bytesPerSecond
                }
                let least = min(cost(stage), cost(stage - 1))
                costs.handOff = least.isFinite ? least : 0
                return costs
            })
    }
}

extension RunPlan {
    /// What the run's stages take, of what its units do.
    /// - Parameter costs: of the model's units, for a microbatch of the run's shape.
    public func stageCosts(_ costs: Costs) -> StageCosts {
        require(costs.units.count == configuration.model.units.count, "costs of each of the model's units are needed")
        func sum(_ range: Range<Int>, _ value: (UnitCosts) -> Double) -> Double {
            costs.units[range].reduce(0) { $0 + value($1) }
        }
        let again: (Range<Int>) -> Double = { [configuration] in
            configuration.recomputes ? sum($0, \.forward) : 0
        }
        return StageCosts(
            stages: partition.ranges.map { range in
                ChunkCosts(
                    forward: sum(range, \.forward), inputGradient: sum(range, \.inputGradient) + again(range),
                    weightGradient: sum(range, \.weightGradient), wholeBackward: sum(range, \.backward) + again(range))
            }, packing: partition.ranges.map { sum($0, \.packing) },
            updates: partition.ranges.indices.map { Double(stages[$0].weightBytes / 4) * costs.updateOfParameter },
            link: costs.link, itemBytes: partition.ranges.indices.map { stages[$0].outputShape.count * 4 })
    }

    /// For each rank, the most bytes that it holds for backwards at once, as a run measures it: what each action keeps and gives back, in
    /// the rank's order.
    public var activationBytesPeakOfRank: [Int] {
        schedule.actions.indices.map { rank in
            var bytes = standingActivationBytes(ofRank: rank)
            var peak = 0
            for action in schedule.actions[rank] {
                let stage = stages[action.stage]
                if action.kind == .forward { bytes += stage.activationBytes }
                if action.kind == .backwardInput { bytes += stage.gradientBytes }
                peak = max(peak, bytes)
                if action.kind == .backwardWeights { bytes -= stage.gradientBytes }
                if schedule.ends(action) { bytes -= stage.activationBytes }
            }
            return peak
        }
    }
}

extension StageCosts {
    /// The longest that an item takes from one rank to another, where nothing else is under way; nil of one stage.
    public var handoffSecondsMost: Double? {
        itemBytes.dropLast().map { link.latency + Double($0) / link.bytesPerSecond }.max()
    }

    /// Seconds of all of a step's work on one rank without hand-offs: whole backwards, packing and updates once.
    /// - Parameter microbatches: of the step.
    public func secondsOnOneRank(microbatches: Int) -> Double {
        stages.reduce(0) { $0 + ($1.forward + $1.duration(.backward)) * Double(microbatches) }
            + packing.reduce(0, +) + updates.reduce(0, +)
    }
}
