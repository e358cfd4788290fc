// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// Watches the ranks of a run, from the caller's thread: collects their reports, and when one fails, ends the others.
struct Supervisor {
    typealias RankWorker = any Worker<RankReport, RankFailure>

    let plan: RunPlan
    let control: ControlBlock
    /// Of `memoryKillsSoFar`, before the ranks were started.
    let memoryKills: Int?
    let losses: StepLosses
    /// When the run began, on the common clock.
    let began: UInt64

    /// How long ranks that were told to stop may take before processes are killed.
    private static let graceNanoseconds: UInt64 = 1_000_000_000
    /// How often it looks at all ranks.
    fileprivate static let lookMilliseconds = 100

    /// A rank that ended without a result.
    private struct Failure {
        let rank: Int
        let error: WorkerError<RankFailure>
        /// Of a rank that told why, the moment at which it stopped; else the one at which its end was seen.
        let moment: UInt64
        let isCause: Bool
        /// Where all ranks were when the end was seen.
        let positions: [RankPosition]

        var isCutOff: Bool {
            if case .failed(let failure) = error { failure.reason == .wait(.disconnected) } else { false }
        }
    }

    /// Waits for every rank and collects it.
    ///
    /// - Parameters:
    ///   - progress: called for each step that has ended, and at each look in which none has.
    /// - Throws: `RunError` that names the rank that failed first and where it was: `.data` when a file was at fault, else
    ///   `.failed`.
    func collect(
        _ workers: [RankWorker], _ progress: (RunProgress) -> RunProgress.Decision
    ) throws(RunError) -> [RankReport] {
        var running = Array(workers.enumerated())
        var reports: [RankReport] = []
        var failures: [Failure] = []
        var grace = Grace()
        var finished = FinishedSteps(losses, began: began)
        while !running.isEmpty {
            let stopped = running.filter { $0.element.isStopped }.map(\.offset)
            control.suspension.set(!stopped.isEmpty)
            report(&finished, stopped, isLook: true, progress)
            // One sleep a look, for all of them: whenever the supervisor wakes, it takes a CPU from a rank for a moment.
            for (index, (rank, worker)) in running.enumerated()
            where worker.hasEnded(within: index == 0 ? Self.lookMilliseconds : 0) {
                running.removeAll { $0.offset == rank }
                do throws(WorkerError<RankFailure>) {
                    reports.append(try worker.join())
                } catch {
                    // Whom we killed ourselves was too slow to stop, and nothing else.
                    failures.append(failure(rank, error, isKilledByUs: grace.isOver))
                    control.abort.raise(by: rank)
                    grace.begin(Self.graceNanoseconds)
                }
            }
            if grace.runsOut() { for (_, worker) in running { worker.kill() } }
        }
        report(&finished, [], isLook: false, progress)
        let causes = failures.filter(\.isCause)
        if let first = (causes.isEmpty ? failures : causes).min(by: { $0.moment < $1.moment }) {
            throw error(first, cutOff: failures.filter(\.isCutOff).map(\.rank))
        }
        return reports.sorted { $0.rank < $1.rank }
    }

    /// - Parameter isLook: whether to call `progress` even where no step has ended.
    private func report(
        _ finished: inout FinishedSteps, _ stopped: [Int], isLook: Bool,
        _ progress: (RunProgress) -> RunProgress.Decision
    ) {
        let step = control.position(ofRank: 0).step
        let steps: [FinishedStep?] = finished.take(at: step)
        for finished in steps.isEmpty && isLook ? [nil] : steps {
            let decision = progress(RunProgress(step: step, finished: finished, stoppedRanks: stopped))
            if decision == .stop { control.requestStop() }
        }
    }

    private func failure(_ rank: Int, _ error: WorkerError<RankFailure>, isKilledByUs: Bool) -> Failure {
        var (moment, isCause) = (Clock.now(), !isKilledByUs)
        if case .failed(let failure) = error { (moment, isCause) = (failure.moment, failure.isCause) }
        return Failure(rank: rank, error: error, moment: moment, isCause: isCause, positions: control.allPositions)
    }

    /// What the caller is to get of it: a file at fault is not the run's failure.
    private func error(_ failure: Failure, cutOff: [Int]) -> RunError {
        let text = describe(failure, cutOff: cutOff)
        guard case .failed(let own) = failure.error, case .data(let data) = own.reason else { return .failed(text) }
        return .data(DataError(path: data.path, reason: text))
    }

    /// - Parameter cutOff: ranks that left because they had lost a connection: they did not hang.
    private func describe(_ failure: Failure, cutOff: [Int]) -> String {
        func words(_ position: RankPosition, _ rank: Int) -> String { position.description(plan.graph.tasks[rank]) }
        let (rank, position) = (failure.rank, words(failure.positions[failure.rank], failure.rank))
        switch failure.error {
        case .failed(let error):
            let culprit = plan.graph.blocker(of: rank, failure.positions)
            let isBlamed = culprit != rank && !cutOff.contains(culprit)
            return error.description(
                at: words(error.position, rank),
                waitingFor: isBlamed ? (culprit, words(failure.positions[culprit], culprit)) : nil)
        case .killed(let signal):
            let reason = signal == SIGKILL ? memoryReason : ""
            return "rank \(rank) was killed by signal \(SignalName(signal)) \(position)\(reason); the other ranks were "
                + "stopped"
        case .exited(let code):
            return "rank \(rank) ended with code \(code) \(position) without a report; the other ranks were stopped"
        case .lost:
            return "rank \(rank) ended \(position) without a report, and was collected by somebody else (an ignored "
                + "SIGCHLD?); the other ranks were stopped"
        }
    }

    /// Says so when the kernel has killed a process of our control group for want of memory since the ranks started.
    private var memoryReason: String {
        guard let before = memoryKills, let now = Self.memoryKillsSoFar, now > before else { return "" }
        return ", by the kernel, because the container was out of memory"
    }

    /// Processes of our control group that were killed for want of memory; nil when nobody counts them.
    static var memoryKillsSoFar: Int? { (try? Machine.current())?.memoryKills }
}

/// The time that ranks have to leave by themselves; time in which the program itself was stopped does not count.
private struct Grace {
    private var left: UInt64?
    private var lastLook: UInt64 = 0
    private(set) var isOver = false

    mutating func begin(_ nanoseconds: UInt64) {
        if left != nil { return }
        (left, lastLook) = (nanoseconds, Clock.now())
    }

    /// Whether it has run out since this was asked last. A look is charged three times its usual length at most.
    mutating func runsOut() -> Bool {
        guard let before = left, !isOver else { return false }
        let now = Clock.now()
        let passed = min(now - lastLook, 3 * UInt64(Supervisor.lookMilliseconds) * 1_000_000)
        lastLook = now
        left = before - min(before, passed)
        isOver = left == 0
        return isOver
    }
}
