// SPDX-License-Identifier: Apache-2.0

import Threads

/// What a planner may choose from.
public struct PlanSpace: Sendable {
    /// CPUs: ranks times threads of each is at most so many.
    public var workers: Int
    /// The most bytes that a rank may hold of its own memory and its slots; nil for as much as it likes.
    public var memoryBytes: Int?
    /// Orders by name.
    public var kinds: [ScheduleKind]
    /// Stages a rank, where an order leaves that choice.
    public var virtualStages = [2]
    /// M, each a divisor of the batch.
    public var microbatches: [Int]
    /// Whether forwards may be done again for less memory.
    public var recomputes = [false, true]

    /// All orders that hold one copy, with every M that divides a batch.
    /// - Parameters:
    ///   - workers: at least 1.
    ///   - batchSize: sequences of a step.
    public init(workers: Int, batchSize: Int) {
        require(workers >= 1 && batchSize >= 1, "\(workers) workers, and a batch of \(batchSize)")
        self.workers = workers
        kinds = ScheduleKind.ofOneCopy
        microbatches = (1...batchSize).filter { batchSize % $0 == 0 }
    }

    /// Ranks with threads each, the fewest ranks first: as many threads as there are workers for.
    public var teams: [(ranks: Int, threads: Int)] { (1...workers).map { ($0, workers / $0) } }
}

/// A way to train a model, and what is predicted of it.
public struct PlannedRun: Sendable {
    /// What is to be run.
    public let configuration: RunConfiguration
    /// The prediction.
    public let simulated: SimulatedRun

    /// Seconds of a step.
    public var step: Double { simulated.breakdown.step }
    /// The most that a rank holds of its own memory and its slots, in bytes.
    public var memoryBytes: Int { simulated.memoryBytesOfRank?.max() ?? 0 }
}

/// Looks for the ways to train a model that are predicted to be the fastest: order x stages a rank x microbatches x cut x recomputing x threads
/// a rank, "no pipeline, but threads" among them. All are worked out: none is left out for what it seems to be.
public struct Planner {
    private let base: RunConfiguration
    private let space: PlanSpace
    private let costs: (RunConfiguration) throws(RunError) -> Costs

    /// - Parameters:
    ///   - base: the model, the batch and all else that is not chosen.
    ///   - space: what is.
    ///   - costs: of the units of a configuration, for its microbatches and threads; asked once for each M and team.
    public init(
        _ base: RunConfiguration, in space: PlanSpace, costs: @escaping (RunConfiguration) throws(RunError) -> Costs
    ) {
        (self.base, self.space, self.costs) = (base, space, costs)
    }

    /// All runs that there are and that fit the memory, the fastest first; of equal ones the one that holds less, then that of fewer
    /// microbatches.
    /// - Throws: what `costs` throws.
    public func runs() throws(RunError) -> [PlannedRun] {
        var runs: [PlannedRun] = []
        for (ranks, threads) in space.teams {
            for microbatches in space.microbatches {
                var configuration = base
                configuration.threadsPerRank = threads
                configuration.schedule = .gpipe(ranks: ranks, microbatches: microbatches)
                if ranks > base.model.units.count { continue }
                let costs = try costs(configuration)
                for schedule in schedules(ranks: ranks, microbatches: microbatches) {
                    configuration.schedule = schedule
                    runs += plans(configuration, costs)
                }
            }
        }
        return runs.sorted {
            ($0.step, $0.memoryBytes, $0.simulated.schedule.microbatches)
                < ($1.step, $1.memoryBytes, $1.simulated.schedule.microbatches)
        }
    }

    /// Sound ones; on one rank all come to the same, and one stands for them.
    private func schedules(ranks: Int, microbatches: Int) -> [Schedule] {
        let kinds = ranks == 1 ? [ScheduleKind.oneFOneB] : space.kinds
        return kinds.flatMap { kind in
            let stages = space.virtualStages.filter { kind.allows(virtualStages: $0) }
            return (stages.isEmpty ? [kind.usualVirtualStages] : stages).map {
                kind.make(ranks: ranks, virtualStages: $0, microbatches: microbatches)
            }
        }.filter { schedule in
            schedule.stagesOfCopy <= base.model.units.count && (try? schedule.validated()) != nil
        }
    }

    /// The order with the cut that its costs make the fastest, and with whole layers, each with and without recomputing.
    private func plans(_ configuration: RunConfiguration, _ costs: Costs) -> [PlannedRun] {
        guard let graph = try? TaskGraph(configuration.schedule) else { return [] }
        let loads = costs.units.map { $0.forward + $0.backward }
        let stages = configuration.schedule.stagesOfCopy
        let measured = (try? Partition.balanced(loads: loads, stages: stages, graph)).map { PartitionChoice.given($0) }
        let choices = stages == 1 ? [PartitionChoice.uniform] : [measured, .uniform].compactMap(\.self)
        var runs: [PlannedRun] = []
        for recomputes in space.recomputes {
            for choice in choices {
                var own = configuration
                (own.partition, own.recomputes) = (choice, recomputes)
                guard let run = plan(own, costs), !runs.contains(where: { $0.isSame(as: run) }) else { continue }
                if let most = space.memoryBytes, run.memoryBytes > most { continue }
                runs.append(run)
            }
        }
        return runs
    }

    /// Nil for what cannot be run, such as more stages than layers.
    private func plan(_ configuration: RunConfiguration, _ costs: Costs) -> PlannedRun? {
        var own = configuration
        (own.keepsTimeline, own.pin) = (false, .none)
        let machine = Machine.imagined(cpus: own.schedule.ranks * own.threadsPerRank)
        guard let plan = try? RunPlan(own, on: machine),
            let simulated = try? SimulatedRun(
                own.schedule, plan.stageCosts(costs), plan: plan, SimulationSettings())
        else { return nil }
        return PlannedRun(configuration: configuration, simulated: simulated)
    }
}

extension PlannedRun {
    /// Whether both are the same cut of the same order.
    fileprivate func isSame(as other: PlannedRun) -> Bool {
        configuration.recomputes == other.configuration.recomputes
            && simulated.plan?.partition == other.simulated.plan?.partition
    }
}
