import SharedTensor
import Threads

/// The executor: walks a rank's tasks, step after step. The same for every schedule and every transport.
///
/// Made and used on the rank's own thread, so that the rank touches its memory first. After the first barrier nothing is
/// allocated any more.
final class Rank {
    /// A stage of this rank at work.
    private struct LocalStage {
        let stage: Stage
        let weights: Arena
        let gradients: Arena
        let states: [Tensor]
        /// For each microbatch, where its forward works, and its backward: the same place unless forwards are done again.
        let forwardFrames: [Frame]
        let backwardFrames: [Frame]
        let inbound: (any ReceiveChannel)?
        let outbound: (any SendChannel)?
        let gradientInbound: (any ReceiveChannel)?
        let gradientOutbound: (any SendChannel)?
        /// Activation memory that is there all the time, for forwards that are done again.
        let recomputedBytes: Int

        var bytesCopied: Int {
            (inbound?.bytesCopied ?? 0) + (outbound?.bytesCopied ?? 0) + (gradientInbound?.bytesCopied ?? 0)
                + (gradientOutbound?.bytesCopied ?? 0)
        }
    }

    private struct InFlight {
        var input: Delivery?
        var gradient: Delivery?
    }

    private let index: Int
    private let plan: RunPlan
    private let control: ControlBlock
    private let wait: WaitContext
    private let memory: Segment
    private let kernels: Kernels
    private let locals: [LocalStage]
    /// For each stage of the whole run, its place in `locals`.
    private let localOfStage: [Int]
    private let timeline: Timeline?
    private var watch: TaskWatch
    private let tasks: [RankTask]
    private let microbatches: Int
    private let recomputes: Bool
    private let isForwardOnly: Bool
    private let inputs: Tokens
    private let targets: Tokens
    private let losses: Tensor
    private let stepNumber: Tokens
    private var tokens: TokenReader
    private var barrier: Barrier
    /// [local stage * M + microbatch]
    private var inFlight: [InFlight]
    private var activationBytes: Int
    private var inFlightCount = 0
    private var report: RankReport

    init(
        _ index: Int, _ plan: RunPlan, _ control: ControlBlock, _ links: any Links, _ timeline: Timeline?,
        _ team: Dispatcher, _ pinning: Pinning
    ) throws(RankFailure.Reason) {
        let configuration = plan.configuration
        let layout = plan.memories[index]
        let memory = try Self.mapped { () throws(SegmentError) in
            try Segment(bytes: layout.layout.bytes, backing: .residentMemory)
        }
        let arena = memory.arena
        let kernels = Kernels(
            level: configuration.simd, blas: configuration.blas,
            workspace: arena.tensor(layout.workspace, Kernels.workspaceShape(members: team.members)), team: team)
        let stages = plan.stages(ofRank: index)
        self.index = index
        self.plan = plan
        self.control = control
        self.memory = memory
        self.kernels = kernels
        barrier = control.barrier
        wait = WaitContext(
            patience: plan.placement.patience(ofRank: index), abort: control.abort,
            timeoutNanoseconds: UInt64(configuration.timeoutSeconds * 1e9), suspension: control.suspension)
        inputs = arena.tokens(layout.inputs)
        targets = arena.tokens(layout.targets)
        stepNumber = arena.tokens(layout.step)
        tokens = TokenReader(configuration.tokens)
        losses = arena.tensor(layout.losses, Shape(plan.schedule.microbatches))
        locals = zip(stages, layout.stages).map { stage, regions in
            Self.local(stage, regions, layout, arena, kernels, plan, links)
        }
        localOfStage = plan.stages.map { stage in stages.firstIndex { $0.index == stage.index } ?? -1 }
        tasks = plan.graph.tasks[index]
        self.timeline = timeline
        timeline?.prepare(rank: index)
        watch = TaskWatch(isOn: timeline != nil, sharesCPU: !plan.placement.ownsItsCPUs(rank: index))
        microbatches = plan.schedule.microbatches
        recomputes = configuration.recomputes
        isForwardOnly = plan.schedule.isForwardOnly
        activationBytes = locals.reduce(0) { $0 + $1.recomputedBytes }
        inFlight = Array(repeating: InFlight(), count: stages.count * plan.schedule.microbatches)
        report = RankReport(rank: index, pinnings: [pinning], cpu: CurrentThread.cpu)
        try initializeWeights()
    }

    /// Runs all steps. `weights` and `gradients` receive this rank's share at the end, where they are wanted.
    func run(weights: CheckpointImage?, gradients: CheckpointImage?) throws(RankFailure) -> RankReport {
        let steps = plan.configuration.steps
        report.stepStart.reserveCapacity(steps)
        report.stepEnd.reserveCapacity(steps)
        report.lossBits.reserveCapacity(steps)
        for step in 0..<steps {
            try enter(step, keepsGradients: gradients != nil)
            if control.endsBefore(step) { break }
            let isLast = step == steps - 1 || control.isLast(step)
            do throws(WaitError) {
                try run(step: step, gradients: isLast ? gradients : nil)
            } catch {
                throw failure(.wait(error))
            }
        }
        if let weights { export(to: weights) { $0.weights } }
        report.cpu = CurrentThread.cpu
        report.handoffBytesCopied = locals.reduce(0) { $0 + $1.bytesCopied }
        return report
    }

    private func failure(_ reason: RankFailure.Reason) -> RankFailure {
        RankFailure(rank: index, position: control.position(ofRank: index), reason: reason)
    }

    // MARK: A step

    /// Makes ready for a step, and waits for all other ranks to come to it.
    private func enter(_ step: Int, keepsGradients: Bool) throws(RankFailure) {
        control.setPosition(ofRank: index, step: step, .preparing)
        stepNumber[0] = Int32(step)
        do throws(DataError) { try fillTokens(step) } catch { throw failure(.data(error)) }
        // Where the last step's gradients are wanted, it has to be known as the last when it begins: one more is run.
        if index == 0 { control.announceEnd(after: keepsGradients ? step : step - 1) }
        control.setPosition(ofRank: index, step: step, .atBarrier)
        watch.startStep()
        do throws(WaitError) { try barrier.arrive(wait) } catch { throw failure(.wait(error)) }
    }

    private func run(step: Int, gradients: CheckpointImage?) throws(WaitError) {
        let start = Clock.now()
        var exportNanoseconds: UInt64 = 0
        for (place, task) in tasks.enumerated() {
            if task == .update { exportNanoseconds = export(gradients) }
            control.setPosition(ofRank: index, step: step, .task(place))
            let allocations = CurrentThread.allocations
            watch.begin()
            try perform(task, step)
            timeline?.record(watch.times, index, step: step, task: place)
            report.addAllocations(since: allocations)
        }
        report.stepStart.append(start)
        report.stepEnd.append(Clock.now() - exportNanoseconds)
        recordLoss()
    }

    private func perform(_ task: RankTask, _ step: Int) throws(WaitError) {
        switch task {
        case .pack(let stage): pack(stage)
        case .action(let action): try perform(action)
        case .update: update(step: step + 1)
        }
    }

    private func pack(_ stage: Int) {
        let place = localOfStage[stage]
        watch.startWork()
        locals[place].stage.packWeights(locals[place].backwardFrames[0])
        watch.endWork()
    }

    private func perform(_ action: Action) throws(WaitError) {
        let place = localOfStage[action.stage]
        let slot = place * microbatches + action.microbatch
        switch action.kind {
        case .forward: try forward(place, action.microbatch, slot)
        case .backward:
            let dx = try receiveGradient(place, slot)
            watch.startWork(roomWait: locals[place].gradientOutbound?.lastWait ?? .ready)
            recompute(place, action.microbatch, slot)
            locals[place].stage.backward(
                gradient(slot), input: input(slot), into: dx, locals[place].backwardFrames[action.microbatch])
            watch.endWork()
            // Released before the hand-off: who receives it may count on these slots being free.
            finish(place, slot)
            try handOn(locals[place].gradientOutbound)
        case .backwardInput:
            let dx = try receiveGradient(place, slot)
            watch.startWork(roomWait: locals[place].gradientOutbound?.lastWait ?? .ready)
            recompute(place, action.microbatch, slot)
            locals[place].stage.backwardInput(
                gradient(slot), input: input(slot), into: dx, locals[place].backwardFrames[action.microbatch])
            watch.endWork()
            try handOn(locals[place].gradientOutbound)
        case .backwardWeights:
            watch.startWork()
            locals[place].stage.backwardWeights(
                gradient(slot), input: input(slot), locals[place].backwardFrames[action.microbatch])
            watch.endWork()
            finish(place, slot)
        }
    }

    private func forward(
        _ place: Int, _ microbatch: Int, _ slot: Int
    ) throws(WaitError) {
        if let inbound = locals[place].inbound {
            inFlight[slot].input = try inbound.receive(wait)
            watch.received(inbound.lastWait)
        }
        let y = try locals[place].outbound?.reserve(wait) ?? .none
        activationBytes += locals[place].stage.activationBytes
        inFlightCount += 1
        report.activationBytesPeak = max(report.activationBytesPeak, activationBytes)
        report.inFlightPeak = max(report.inFlightPeak, inFlightCount)
        watch.startWork(roomWait: locals[place].outbound?.lastWait ?? .ready)
        locals[place].stage.forward(input(slot), into: y, locals[place].forwardFrames[microbatch])
        watch.endWork()
        try handOn(locals[place].outbound)
        if isForwardOnly { finish(place, slot) }
    }

    private func handOn(_ channel: (any SendChannel)?) throws(WaitError) {
        guard let channel else { return }
        watch.handOn()
        try channel.commit(wait)
    }

    private func recompute(_ place: Int, _ microbatch: Int, _ slot: Int) {
        if recomputes { locals[place].stage.recompute(input(slot), locals[place].backwardFrames[microbatch]) }
    }

    /// Takes the gradient from the next stage, then room for the one to the previous stage, which it returns.
    private func receiveGradient(_ place: Int, _ slot: Int) throws(WaitError) -> Tensor {
        if let inbound = locals[place].gradientInbound {
            inFlight[slot].gradient = try inbound.receive(wait)
            watch.received(inbound.lastWait)
        }
        return try locals[place].gradientOutbound?.reserve(wait) ?? .none
    }

    /// Ends a microbatch at a stage: what it held is free for another.
    private func finish(_ place: Int, _ slot: Int) {
        if let input = inFlight[slot].input { locals[place].inbound!.release(input) }
        if let gradient = inFlight[slot].gradient { locals[place].gradientInbound!.release(gradient) }
        inFlight[slot] = InFlight()
        activationBytes -= locals[place].stage.activationBytes
        inFlightCount -= 1
    }

    private func input(_ slot: Int) -> Tensor { inFlight[slot].input?.tensor ?? .none }
    private func gradient(_ slot: Int) -> Tensor { inFlight[slot].gradient?.tensor ?? .none }

    /// - Parameter step: counts from 1.
    private func update(step: Int) {
        watch.startWork()
        for local in locals {
            plan.configuration.optimizer.update(
                local.weights.floats, local.gradients.floats, states: local.states, step: step, kernels)
        }
        watch.endWork()
    }

    /// Before the step is measured: from a file, this reads.
    private func fillTokens(_ step: Int) throws(DataError) {
        if inputs.count == 0 && targets.count == 0 { return }
        let configuration = plan.configuration
        try tokens.fill(
            step: step, batch: configuration.batchSize, length: configuration.model.sequenceLength,
            vocabulary: configuration.model.vocabulary, inputs: inputs, targets: targets)
    }

    private func recordLoss() {
        guard locals.contains(where: \.stage.isLast) else { return }
        let sum = (0..<microbatches).reduce(0.0) { $0 + Double(losses[$1]) }
        let loss = Float(sum / Double(microbatches))
        report.lossBits.append(loss.bitPattern)
        control.setLoss(loss)
    }

    // MARK: Weights in and out

    private func initializeWeights() throws(RankFailure.Reason) {
        for local in locals {
            for parameter in local.stage.plan.parameters {
                var problem: DataError?
                try Self.mapped { () throws(SegmentError) in
                    try parameter.store(in: local.weights, kernels) { values in
                        do throws(DataError) { try initialize(parameter, values) } catch { problem = error }
                    }
                }
                if let problem { throw .data(problem) }
            }
        }
        do throws(DataError) { try plan.configuration.initial?.checkUntouched() } catch { throw .data(error) }
    }

    private func initialize(_ parameter: ParameterSpec, _ values: Tensor) throws(DataError) {
        if let file = plan.configuration.initial { return try file.read(parameter.name, into: values) }
        parameter.initialize(values, seed: plan.configuration.seed)
    }

    private static func mapped<Mapped>(
        _ map: () throws(SegmentError) -> Mapped
    ) throws(RankFailure.Reason) -> Mapped {
        do throws(SegmentError) { return try map() } catch { throw .memory(error.description) }
    }

    /// Copies out the gradients, where they are wanted, and returns how long that took: it is not part of the step.
    private func export(_ image: CheckpointImage?) -> UInt64 {
        guard let image else { return 0 }
        let start = Clock.now()
        export(to: image) { $0.gradients }
        return Clock.now() - start
    }

    private func export(to image: CheckpointImage, _ arena: (LocalStage) -> Arena) {
        for local in locals {
            for parameter in local.stage.plan.parameters {
                parameter.load(into: image.tensor(parameter), from: arena(local), kernels)
            }
        }
    }

    // MARK: Set-up

    private static func local(
        _ stage: Stage, _ regions: RankMemory.StageRegions, _ layout: RankMemory, _ arena: Arena, _ kernels: Kernels,
        _ plan: RunPlan, _ links: any Links
    ) -> LocalStage {
        let weights = arena.part(regions.weights, of: stage.plan.weights)
        let gradients = arena.part(regions.gradients, of: stage.plan.gradients)
        func frames(_ stashFrame: [Int], packing: Int? = nil) -> [Frame] {
            stashFrame.enumerated().map { microbatch, stash in
                frame(
                    stage, regions, layout, arena, kernels, plan, microbatch, stash: stash, weights: weights,
                    gradients: gradients, packsWeights: microbatch == packing)
            }
        }
        let recomputes = plan.configuration.recomputes
        func edge(_ from: Int, _ to: Int) -> Edge? { plan.edges.first { $0.from == from && $0.to == to } }
        let index = stage.index
        return LocalStage(
            stage: stage, weights: weights, gradients: gradients,
            states: regions.states.map { arena.part($0, of: stage.plan.gradients).floats },
            forwardFrames: frames(regions.forwardFrame, packing: plan.schedule.microbatchThatPacks(index)),
            backwardFrames: frames(regions.backwardFrame),
            inbound: edge(index - 1, index).map(links.receiver), outbound: edge(index, index + 1).map(links.sender),
            gradientInbound: edge(index + 1, index).map(links.receiver),
            gradientOutbound: edge(index, index - 1).map(links.sender),
            recomputedBytes: recomputes ? regions.stashFrames * stage.plan.stash.stride : 0)
    }

    private static func frame(
        _ stage: Stage, _ regions: RankMemory.StageRegions, _ layout: RankMemory, _ arena: Arena, _ kernels: Kernels,
        _ plan: RunPlan, _ microbatch: Int, stash: Int, weights: Arena, gradients: Arena, packsWeights: Bool
    ) -> Frame {
        let batch = plan.configuration.batchShape
        let rows = microbatch * batch.tokens..<(microbatch + 1) * batch.tokens
        return Frame(
            plan: stage.plan.id, weights: weights, gradients: gradients,
            stash: arena.part(regions.stash, copy: stash, of: stage.plan.stash),
            gradientStash: arena.part(
                regions.gradientStash, copy: regions.gradientFrame[microbatch], of: stage.plan.gradientStash.peak),
            scratch: arena.part(layout.scratch, of: layout.scratchLayout),
            packed: arena.part(regions.packed, of: stage.plan.packed), packsWeights: packsWeights,
            kernels: kernels, batch: batch,
            dropout: DropoutState(
                rate: plan.configuration.effectiveDropout, seed: plan.configuration.seed, microbatch: microbatch,
                step: arena.tokens(layout.step)),
            tokens: stage.isFirst ? arena.tokens(layout.inputs)[rows] : .none,
            targets: stage.isLast ? arena.tokens(layout.targets)[rows] : .none,
            gradientScale: 1 / Float(plan.schedule.microbatches),
            loss: arena.tensor(layout.losses, Shape(plan.schedule.microbatches)).elements(
                microbatch..<microbatch + 1))
    }
}
