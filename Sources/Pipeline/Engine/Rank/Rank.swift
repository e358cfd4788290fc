// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// The executor: walks a rank's tasks, step after step. The same for every schedule and every transport.
///
/// Used on the rank's own thread. Within a step nothing is allocated.
final class Rank {
    private let index: Int
    private let plan: RunPlan
    private let memory: RunMemory
    private let parts: RankParts
    /// For each stage of the whole run, its index in `parts.stages`; -1 for another rank's.
    private let localIndex: [Int]
    private let tasks: [RankTask]
    private var batch: RankBatch
    private var meeting: StepMeeting
    private var report: RankReport
    /// Whether a step's loss has ended the run.
    private var wantsEnd = false
    /// Of the measured steps; rank 0 reads it for all.
    private var taken: TakenTimeMeter?

    /// To be made on the rank's own thread.
    init(
        _ index: Int, _ plan: RunPlan, _ memory: RunMemory, _ links: any Links, _ team: Dispatcher, _ pinning: Pinning
    ) throws(RankFailure.Reason) {
        let parts = try RankParts(index, plan, memory.control, links, team, isTimed: memory.timeline != nil)
        memory.timeline?.prepare(rank: index)
        self.index = index
        self.plan = plan
        self.memory = memory
        self.parts = parts
        localIndex = plan.stages.map { stage in parts.stages.firstIndex { $0.stage.index == stage.index } ?? -1 }
        tasks = plan.graph.tasks[index]
        batch = RankBatch(plan, plan.memories[index], parts.memory.arena, tellsLoss: index == plan.rankOfLosses)
        meeting = StepMeeting(memory, links)
        report = RankReport(rank: index, pinnings: [pinning], cpu: CurrentThread.cpu)
        taken = index == 0 ? TakenTimeMeter(cpus: plan.placement.cpus) : nil
    }

    private var control: ControlBlock { memory.control }
    private var watch: TaskWatch { parts.watch }
    private var stages: [LocalStage] { parts.stages }
    private var kernels: Kernels { parts.kernels }

    /// Runs all steps. The memory's images receive this rank's share at the end, where they are wanted.
    func run() throws(RankFailure) -> RankReport {
        let steps = plan.configuration.steps
        report.reserveRoom(steps: steps)
        for step in 0..<steps {
            try enter(step)
            if control.endsBefore(step) { break }
            let isLast = step == steps - 1 || control.isLast(step)
            do throws(WaitError) {
                try run(step: step, gradients: isLast ? memory.gradients : nil)
            } catch {
                throw failure(.wait(error))
            }
        }
        report.taken = taken?.taken
        if let weights = memory.weights { for stage in stages { stage.exportWeights(to: weights, kernels) } }
        if plan.schedule.copies > 1 { report.weightMarks = stages.map(\.weightMark) }
        report.cpu = CurrentThread.cpu
        report.handoffBytesCopied = stages.reduce(0) { $0 + $1.bytesCopied }
        (report.activationBytesPeak, report.inFlightPeak) = (parts.stash.bytesPeak, parts.stash.microbatchesPeak)
        try readMemory()
        return report
    }

    /// Reads what is held when all ranks are done and none has left: pages that ranks share count in parts with each.
    private func readMemory() throws(RankFailure) {
        control.setPosition(ofRank: index, step: max(0, report.stepEnd.count - 1), .atEnd)
        do throws(WaitError) {
            _ = try meeting.arrive(parts.wait)
            report.memory = MemoryReading(
                own: parts.memory, rank: index, isProcess: plan.configuration.transport.forksRanks)
            _ = try meeting.arrive(parts.wait)
        } catch {
            throw failure(.wait(error))
        }
    }

    private func failure(_ reason: RankFailure.Reason) -> RankFailure {
        RankFailure(rank: index, position: control.position(ofRank: index), reason: reason)
    }

    // MARK: A step

    /// Makes ready for a step, and waits for all other ranks to come to it.
    private func enter(_ step: Int) throws(RankFailure) {
        control.setPosition(ofRank: index, step: step, .preparing)
        do throws(DataError) { try batch.prepare(step: step) } catch { throw failure(.data(error)) }
        if step == plan.configuration.warmupSteps { taken?.restart() }
        // Where the last step's gradients are wanted, it has to be known as the last when it begins: one more is run.
        if index == 0 || wantsEnd || meeting.isRemote {
            control.announceEnd(after: memory.gradients != nil ? step : step - 1, isWanted: wantsEnd)
        }
        control.setPosition(ofRank: index, step: step, .atBarrier)
        watch.startStep()
        do throws(WaitError) { watch.enterStep(try meeting.arrive(parts.wait)) } catch { throw failure(.wait(error)) }
    }

    private func run(step: Int, gradients: CheckpointImage?) throws(WaitError) {
        let start = Clock.now()
        var exportNanoseconds: UInt64 = 0
        for (index, task) in tasks.enumerated() {
            if task == .update {
                exportNanoseconds = export(gradients)
                watch.exclude(nanoseconds: exportNanoseconds)
            }
            control.setPosition(ofRank: self.index, step: step, .task(index))
            let allocations = CurrentThread.allocations
            watch.begin()
            try perform(task, step)
            memory.timeline?.record(watch.times, self.index, step: step, task: index)
            report.addAllocations(since: allocations)
        }
        report.stepStart.append(start)
        report.stepEnd.append(memory.timeline == nil ? Clock.now() - exportNanoseconds : watch.times.end)
        guard let loss = batch.meanLoss else { return }
        report.lossBits.append(loss.bitPattern)
        if let stopsAfter = plan.configuration.stopsAfter, stopsAfter(step, loss) { wantsEnd = true }
        memory.losses.record(loss, ofStep: step, at: report.stepEnd.last!)
        meeting.lossWord = StepLosses.word(loss, ofStep: step)
    }

    private func perform(_ task: RankTask, _ step: Int) throws(WaitError) {
        switch task {
        case .pack(let stage): local(stage).pack()
        case .action(let action): try perform(action)
        case .share(let stage): try exchange(stage).share()
        case .sum(let stage): try exchange(stage).sum()
        case .collect(let stage): try exchange(stage).collect()
        case .update: update(step: step + 1)
        }
    }

    private func perform(_ action: Action) throws(WaitError) {
        let stage = local(action.stage)
        switch action.kind {
        case .forward: try stage.forward(action.microbatch)
        case .backward: try stage.backward(action.microbatch)
        case .backwardInput: try stage.backwardInput(action.microbatch)
        case .backwardWeights: stage.backwardWeights(action.microbatch)
        }
    }

    /// A stage of this rank, by its number in the whole run.
    private func local(_ stage: Int) -> LocalStage { stages[localIndex[stage]] }

    /// A stage's with its copies.
    private func exchange(_ stage: Int) -> StageExchange { local(stage).exchange! }

    /// - Parameter step: counts from 1.
    private func update(step: Int) {
        watch.startWork()
        for stage in stages {
            let memory = stage.memory
            plan.configuration.optimizer.update(
                memory.weights.floats, memory.gradients.floats, states: memory.states, step: step,
                rate: plan.rate(ofStep: step - 1), kernels)
        }
        watch.endWork()
    }

    /// Copies out the gradients, where they are wanted, and returns how long that took: it is not part of the step.
    private func export(_ image: CheckpointImage?) -> UInt64 {
        guard let image else { return 0 }
        let start = Clock.now()
        for stage in stages { stage.exportGradients(to: image, kernels) }
        return Clock.now() - start
    }
}
