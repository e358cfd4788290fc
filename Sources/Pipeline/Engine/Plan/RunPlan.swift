// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// A run worked out on paper: who does what in which order, and where everything will lie. Nothing is mapped yet.
public struct RunPlan: Sendable {
    /// What it was made from.
    public let configuration: RunConfiguration
    /// What the schedule asks of links and memory, and what it promises.
    public let facts: ScheduleFacts
    /// The tasks of all ranks, and what each waits for.
    public let graph: TaskGraph
    /// The units of each of the model's stages; copies are cut alike.
    public let partition: Partition
    /// The CPUs of each rank.
    public let placement: Placement
    /// The processes that a launcher has started to run the ranks; nil where this process starts them.
    public let job: (any Job)?
    /// All parameters, in the model's order.
    public let parameters: [ParameterSpec]
    /// Of one step's matrix products, over all ranks.
    public let productFLOPs: Double
    /// The learning rate of each step; empty where it is the optimizer's.
    private let rates: [Double]
    let stages: [Stage]
    /// Of all neighbouring stages.
    let edges: [Edge]
    /// Of all stages that hold the same weights.
    let edgesBetweenCopies: [Edge]
    /// Those of both kinds that are between two ranks, which the transport connects; the others are local slots of their rank.
    let edgesBetweenRanks: [Edge]
    let memories: [RankMemory]
    /// What will be held of memory, and by whom.
    public let memory: MemoryPlan
    /// What the run takes besides the program itself.
    public let memoryDemand: MemoryDemand
    /// Of the tokens that it will read from a file; nil when they are random.
    public let tokenFingerprint: Fingerprint?

    /// - Parameters:
    ///   - configuration: what is to run; all of it is checked here.
    ///   - machine: where it is to run; read now unless given.
    /// - Throws: `RunError.configuration` when settings do not fit together or the machine, `.model` when units do not fit each
    ///   other or the model, `.data` when a checkpoint or a token file does not fit the model, `.failed` when the system does not
    ///   tell what machine it is.
    public init(_ configuration: RunConfiguration, on machine: Machine? = nil) throws(RunError) {
        self.configuration = configuration
        let schedule = configuration.schedule
        do {
            facts = try schedule.validated()
            graph = try TaskGraph(schedule)
        } catch {
            throw .configuration(setting: "--schedule", "\(schedule.name): \(error)")
        }
        let model = configuration.model
        do throws(ModelError) { try model.checkSizes() } catch { throw .model(error) }
        try configuration.check()
        rates = try configuration.rates()
        let costs = model.units.map { $0.cost(configuration.batchShape) }
        do throws(ModelError) { try model.check(costs) } catch { throw .model(error) }
        parameters = costs.flatMap(\.parameters)
        // A forward is one of the three products that a layer's cost counts.
        let share = schedule.isForwardOnly ? 1.0 / 3 : 1
        productFLOPs = costs.reduce(0) { $0 + $1.productFLOPs } * Double(schedule.microbatches) * share
        partition = try configuration.cut(graph, loads: costs.map(\.productFLOPs))
        let here: Machine
        do throws(SystemError) {
            if let machine { here = machine } else { here = try Machine.current() }
        } catch {
            throw .failed("\(error)")
        }
        job = try Self.job(configuration)
        placement = try Self.placement(configuration, here, job)

        stages = Self.stages(configuration, schedule, facts, partition)
        do throws(ModelError) { try Self.checkReaders(stages) } catch { throw .model(error) }
        edges = Self.edges(stages, facts, schedule)
        edgesBetweenCopies = Self.edgesBetweenCopies(stages, schedule)
        let allEdges = edges + edgesBetweenCopies
        edgesBetweenRanks = allEdges.filter { schedule.rank(ofBothEnds: $0) == nil }
        memories = (0..<schedule.ranks).map { [facts, stages] rank in
            RankMemory(rank: rank, schedule, facts, stages, allEdges, configuration)
        }
        (memory, memoryDemand) = Self.memory(
            configuration, graph, stages, edgesBetweenRanks, memories, here.program)
        let (demand, memory, parameters) = (memoryDemand, memory, parameters)
        tokenFingerprint = try Self.agreed(job) { () throws(RunError) in
            // Before any file is read, which takes its time.
            try demand.check(memory, on: here, transport: configuration.transport.name)
            return try Self.checkFiles(configuration, parameters)
        }
        try Self.checkInputs(configuration, partition, tokenFingerprint, job)
    }

    /// The configuration's.
    public var schedule: Schedule { configuration.schedule }

    /// The learning rate of a step, which counts from 0.
    public func rate(ofStep step: Int) -> Double { rates.isEmpty ? configuration.optimizer.rate : rates[step] }

    /// The cut as a person writes it, which `PartitionLayout` reads.
    public var layout: String { partition.layout(of: configuration.model) }

    /// Stages a rank runs, in ascending order.
    func stages(ofRank rank: Int) -> [Stage] { stages.filter { schedule.rankOfStage[$0.index] == rank } }

    /// Those of them whose parameters stand for all copies' in what the run leaves: the first copy's.
    func savedStages(ofRank rank: Int) -> [Stage] { stages(ofRank: rank).filter { $0.copy == 0 } }

    /// The rank that tells the steps' losses: that of the first copy's last stage.
    var rankOfLosses: Int { schedule.rankOfStage[schedule.stagesOfCopy - 1] }

    /// Bytes of the frames that are there all the time for forwards that are done again.
    func standingActivationBytes(ofRank rank: Int) -> Int {
        if !configuration.recomputes { return 0 }
        return zip(stages(ofRank: rank), memories[rank].stages).reduce(0) {
            $0 + $1.1.stashFrames * $1.0.plan.stash.stride
        }
    }

    /// Bytes of weights on each rank, without padding, gradients and optimizer state.
    public var weightBytesOfRank: [Int] {
        schedule.actions.indices.map { rank in stages(ofRank: rank).reduce(0) { $0 + $1.weightBytes } }
    }

    /// Bytes of each rank's own memory, which is there before its first step.
    public var memoryBytesOfRank: [Int] { memories.map(\.layout.bytes) }

    /// Each rank's share of the step's matrix products.
    public var productShareOfRank: [Double] {
        var microbatches = [Double](repeating: 0, count: schedule.copies)
        for copy in facts.copyOfMicrobatch { microbatches[copy] += 1 }
        func products(_ stages: [Stage]) -> Double {
            stages.reduce(0) { $0 + $1.plan.productFLOPs * microbatches[$1.copy] }
        }
        let all = products(stages)
        return schedule.actions.indices.map { all > 0 ? products(stages(ofRank: $0)) / all : 0 }
    }

    private static func stages(
        _ configuration: RunConfiguration, _ schedule: Schedule, _ facts: ScheduleFacts, _ partition: Partition
    ) -> [Stage] {
        let units = configuration.model.units
        return schedule.rankOfStage.indices.map { index in
            let range = partition.ranges[schedule.modelStage(index)]
            return Stage(
                index: index, of: schedule, units: units[range],
                previousColumns: range.lowerBound == 0 ? 0 : units[range.lowerBound - 1].outputColumns,
                plan: StagePlan(
                    batch: configuration.batchShape, runsBackwards: !schedule.isForwardOnly,
                    splitsBackward: facts.frames[index].splitsBackward,
                    dropsElements: configuration.effectiveDropout > 0, members: configuration.threadsPerRank,
                    weightLayout: configuration.blas == nil ? .panels : .rows),
                recomputes: configuration.recomputes)
        }
    }

    /// Tokens are on the rank of the first stage alone, targets on that of the last.
    private static func checkReaders(_ stages: [Stage]) throws(ModelError) {
        for stage in stages {
            if stage.plan.tokensBelow != nil && !stage.isFirst {
                throw ModelError(reason: "a unit of stage \(stage.index) reads tokens, which the first stage alone has")
            }
            if stage.plan.targetsBelow != nil && !stage.isLast {
                throw ModelError(reason: "a unit of stage \(stage.index) reads targets, which the last stage alone has")
            }
        }
    }

    private static func edges(_ stages: [Stage], _ facts: ScheduleFacts, _ schedule: Schedule) -> [Edge] {
        let rankOfStage = schedule.rankOfStage
        func edge(from: Int, to: Int, _ shape: Shape, slots: Int) -> Edge {
            Edge(
                from: from, to: to, shape: shape, slots: slots, senderRank: rankOfStage[from],
                receiverRank: rankOfStage[to])
        }
        return stages.filter { !$0.isLast }.flatMap { stage in
            let (own, next) = (stage.index, stage.index + 1)
            return [
                edge(from: own, to: next, stage.outputShape, slots: facts.activationSlots[own]),
                edge(from: next, to: own, stage.outputShape, slots: facts.gradientSlots[next]),
            ].filter { $0.slots > 0 }
        }
    }

    /// - Returns: the fingerprint of a file's tokens.
    private static func checkFiles(
        _ configuration: RunConfiguration, _ parameters: [ParameterSpec]
    ) throws(RunError) -> Fingerprint? {
        do throws(DataError) {
            if let initial = configuration.initial {
                try CheckpointSettings.check(initial, suits: configuration.model)
                try initial.check(holds: parameters)
            }
            guard case .file(let file) = configuration.tokens else { return nil }
            return try file.fingerprint(used: configuration.tokensUsed, vocabulary: configuration.model.vocabulary)
        } catch {
            throw .data(error)
        }
    }

    /// Checks that a file's tokens are still those that the run was planned with. Reads them only if the file was written to.
    func checkTokens() throws(RunError) {
        guard case .file(let file) = configuration.tokens, let tokenFingerprint else { return }
        do throws(DataError) {
            if try file.isUntouched { return }
            if try file.fingerprint(used: configuration.tokensUsed) == tokenFingerprint { return }
            throw DataError(path: file.path, reason: "has other tokens than when this command opened it")
        } catch {
            throw .data(error)
        }
    }
}
