// SPDX-License-Identifier: Apache-2.0

import SharedTensor
import Threads

/// What a run gave: the figures that the ranks measured, and the parameters where they were asked for.
public struct RunResult: Sendable {
    /// What was run, as it was planned: a run that was stopped early has fewer steps.
    public let plan: RunPlan
    /// One for each rank, in order.
    public let ranks: [RankReport]
    /// When each task of the last steps was done, when the configuration `keepsTimeline`.
    public let timeline: Timeline?
    /// After the last step, when the configuration `keepsWeights`.
    public let weights: CheckpointImage?
    /// Of the last step before its update, when the configuration `keepsGradients`.
    public let gradients: CheckpointImage?

    /// For each rank, how its moments were turned into those of the first rank's clock; empty where all ranks read one clock.
    public let clocks: [ClockCorrection]

    /// When `run` was called and when the last rank had ended, on the common clock.
    let began: UInt64
    let ended: UInt64

    /// With these values; nothing is checked.
    package init(
        plan: RunPlan, ranks: [RankReport], timeline: Timeline?, weights: CheckpointImage? = nil,
        gradients: CheckpointImage? = nil, clocks: [ClockCorrection] = [], began: UInt64, ended: UInt64
    ) {
        (self.plan, self.ranks, self.timeline) = (plan, ranks, timeline)
        (self.weights, self.gradients) = (weights, gradients)
        (self.clocks, self.began, self.ended) = (clocks, began, ended)
    }

    /// Of the whole run: set-up, all steps, warm-up included, and the ranks' end.
    public var totalSeconds: Double { Pipeline.seconds(from: began, to: ended) }

    /// From the start of the run to the release into its first step.
    public var setUpSeconds: Double { Pipeline.seconds(from: began, to: released(0)) }

    /// What a report calls the loss: that of the last step, or, where nothing was trained, the mean over the measured steps.
    public var loss: Float {
        if !plan.schedule.isForwardOnly { return losses.last! }
        let measured = losses.dropFirst(plan.configuration.warmupSteps)
        return Float(measured.reduce(0.0) { $0 + Double($1) } / Double(measured.count))
    }

    /// For each step, from the moment all ranks were released into it to the moment the last one finished its update.
    public var stepSeconds: [Double] { (0..<steps).map { seconds(ofStep: $0) } }

    /// Steps that were run: the configuration's, or fewer when the run was stopped early.
    public var steps: Int { ranks[0].stepEnd.count }
    /// Of these, the ones after the warm-up.
    public var measuredSteps: Int { max(0, steps - plan.configuration.warmupSteps) }

    func seconds(ofStep step: Int) -> Double { Double(ranks.map { $0.stepEnd[step] }.max()! - released(step)) / 1e9 }

    /// From the release into the first measured step to the end of the last one; 0 with none.
    public var measuredSeconds: Double {
        let first = plan.configuration.warmupSteps
        return first < steps
            ? Pipeline.seconds(from: released(first), to: ranks.map { $0.stepEnd[steps - 1] }.max()!) : 0
    }

    /// What others took from the ranks' CPUs in that time; nil where nobody asked.
    public var taken: TakenTime? { ranks[0].taken }

    /// When all ranks were released into a step, on the common clock.
    func released(_ step: Int) -> UInt64 { ranks.map { $0.stepStart[step] }.min()! }

    /// Of the steps after the warm-up.
    public var measuredStepSeconds: [Double] { Array(stepSeconds.dropFirst(plan.configuration.warmupSteps)) }

    /// For each step, warm-up included, the mean over microbatches of the mean loss over their tokens.
    public var losses: [Float] {
        ranks.first { !$0.lossBits.isEmpty }?.lossBits.map { Float(bitPattern: $0) } ?? []
    }
}

extension RunPlan {
    /// Maps the memory, starts the ranks, waits for them.
    ///
    /// - Parameter progress: called on the caller's thread a few times a second, then once for each step that has ended since, in order,
    ///   or once where none has; and for the last ones when the ranks have ended. What it answers may end the run. Steps are left out
    ///   where more than 4096 have ended since the call before.
    /// - Throws: `RunError.failed` when the system gives no memory, thread or process, or a rank fails, `.data` when a file
    ///   has changed since the run was planned. Every rank has ended by then.
    public func run(
        progress: (RunProgress) -> RunProgress.Decision = { _ in .goOn }
    ) throws(RunError) -> RunResult {
        if job == nil, let others = unsafe JobOfProgram.current {
            return try FirstRun(self, others).result { () throws(RunError) in try runHere(progress) }
        }
        if job == nil { return try runHere(progress) }
        return try Signals.deferringTheFirst { () throws(RunError) in try runHere(progress) }
    }

    private func runHere(_ progress: (RunProgress) -> RunProgress.Decision) throws(RunError) -> RunResult {
        let began = Clock.now()
        let memory = try agreed { () throws(RunError) in
            try checkTokens()
            return try mapped { () throws(SegmentError) in try RunMemory(self) }
        }
        var run: JobRun?
        if let job { run = try JobRun(self, job, memory) }
        let memoryKills = FailureReport.memoryKillsSoFar
        let workers = try start(memory)
        let supervisor = Supervisor(
            control: memory.control, losses: memory.losses, began: began, job: job, ranks: schedule.ranks)
        var end = supervisor.collect(workers, progress)
        if !end.silent.isEmpty { throw run!.gone(end.silent) }
        try run?.gatherEnds(&end)
        if !end.failures.isEmpty {
            throw FailureReport(plan: self, memoryKills: memoryKills, failures: end.failures).error
        }
        // Figures of other tokens than the fingerprint tells of would be taken for this run's.
        try agreed(needing: schedule.ranks) { () throws(RunError) in try checkTokens() }
        try run?.gatherResults(&end)
        return result(end.reports, memory, clocks: run?.clocks ?? [], began: began, ended: Clock.now())
    }

    /// What was measured, with what the memory holds.
    func result(
        _ reports: [RankReport], _ memory: RunMemory, clocks: [ClockCorrection] = [], began: UInt64, ended: UInt64
    ) -> RunResult {
        let reports = reports.sorted { $0.rank < $1.rank }
        // A run that was stopped early has trained fewer steps than were asked for.
        let metadata = CheckpointSettings.written(by: configuration, steps: reports[0].stepEnd.count)
        return RunResult(
            plan: self, ranks: reports, timeline: memory.timeline, weights: memory.weights?.described(by: metadata),
            gradients: memory.gradients?.described(by: metadata), clocks: clocks, began: began, ended: ended)
    }

    /// Connects the ranks and starts those of this process. From then on they alone hold the links: what the caller's process had
    /// of them is gone when this returns, so that a rank's end is an end to whoever is connected to it.
    private func start(_ memory: RunMemory) throws(RunError) -> [(rank: Int, worker: Supervisor.RankWorker)] {
        let links = try agreed { () throws(RunError) in try connect() }
        var workers: [(rank: Int, worker: Supervisor.RankWorker)] = []
        for rank in ranksHere {
            let body: @Sendable (Pinning) throws(RankFailure) -> RankReport = { pinning throws(RankFailure) in
                try work(as: rank, memory, links, pinning)
            }
            do throws(StartError) {
                workers.append(
                    (
                        rank,
                        try configuration.transport.start(
                            name: "rank \(rank)", cpu: placement.cpusOfRank[rank][0], body: body)
                    ))
            } catch {
                memory.control.abort.raise(by: -1)
                for (_, worker) in workers { _ = try? worker.join() }
                throw .failed("rank \(rank) could not be started: \(error)")
            }
        }
        return workers
    }

    /// A rank's whole life, on its own thread.
    private func work(
        as rank: Int, _ memory: RunMemory, _ links: any Links, _ pinning: Pinning
    ) throws(RankFailure) -> RankReport {
        func failure(_ reason: RankFailure.Reason) -> RankFailure {
            RankFailure(rank: rank, position: memory.control.position(ofRank: rank), reason: reason)
        }
        let team: Team
        do throws(SystemError) {
            team = try Team(
                name: "rank \(rank)", helperCPUs: Array(placement.cpusOfRank[rank].dropFirst()),
                patience: placement.patience(ofRank: rank))
        } catch {
            throw failure(.threads("\(error)"))
        }
        let outcome = Result { () throws(RankFailure) in
            let executor: Rank
            do throws(RankFailure.Reason) {
                executor = try Rank(rank, self, memory, links, team.dispatcher, pinning)
            } catch {
                throw failure(error)
            }
            return try executor.run()
        }
        let helpers = team.end()
        var report = try outcome.get()
        report.add(helpers)
        return report
    }

    private func connect() throws(RunError) -> any Links {
        do { return try configuration.transport.connect(edgesBetweenRanks) } catch { throw .failed(error.description) }
    }

    private func mapped<Mapped>(_ map: () throws(SegmentError) -> Mapped) throws(RunError) -> Mapped {
        do throws(SegmentError) { return try map() } catch { throw .failed(error.description) }
    }
}
