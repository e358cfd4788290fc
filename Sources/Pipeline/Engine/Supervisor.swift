// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// Watches the ranks that this process has started, from the caller's thread: collects their reports, and when one fails, ends the
/// others.
struct Supervisor {
    typealias RankWorker = any Worker<RankReport, RankFailure>

    let control: ControlBlock
    let losses: StepLosses
    /// When the run began, on the common clock.
    let began: UInt64
    /// The other processes, where ranks are in several.
    let job: (any Job)?
    /// How many there are in all.
    let ranks: Int

    /// How long ranks that were told to stop may take before processes are killed.
    static let graceNanoseconds: UInt64 = 1_000_000_000
    /// How often it looks at all ranks.
    fileprivate static let lookMilliseconds = 100

    /// Waits for every rank to end, or, where that cannot be forced, for the time that it has to.
    ///
    /// - Parameters:
    ///   - workers: of ranks, with their numbers.
    ///   - progress: called for each step that has ended, and at each look in which none has.
    func collect(
        _ workers: [(rank: Int, worker: RankWorker)], _ progress: (RunProgress) -> RunProgress.Decision
    ) -> RanksEnd {
        var running = workers
        var end = RanksEnd()
        var grace = Grace()
        var finished = FinishedSteps(losses, began: began)
        var rollCall = job.map { RollCall($0, ranks: ranks) }
        let watched = workers.first?.rank ?? 0
        if workers.isEmpty, rollCall != nil { lookOn(&rollCall!, &end) }
        while !running.isEmpty {
            let stopped = running.filter { $0.worker.isStopped }.map(\.rank)
            control.suspension.set(!stopped.isEmpty)
            report(&finished, watched, stopped, isLook: true, progress)
            // One sleep a look, for all of them: whenever the supervisor wakes, it takes a CPU from a rank for a moment.
            for (index, (rank, worker)) in running.enumerated()
            where worker.hasEnded(within: index == 0 ? Self.lookMilliseconds : 0) {
                running.removeAll { $0.rank == rank }
                do throws(WorkerError<RankFailure>) {
                    end.reports.append(try worker.join())
                } catch {
                    // Whom we killed ourselves was too slow to stop, and nothing else.
                    end.failures.append(failure(rank, error, isKilledByUs: grace.isOver))
                    giveUp(because: rank, &grace)
                    rollCall?.tell(.abort)
                }
            }
            if let rank = rollCall?.listen() { giveUp(because: rank, &grace) }
            if Signals.noted != nil && job != nil || rollCall?.isToStop == true { control.requestStop() }
            if let missing = rollCall?.missing, !missing.isEmpty {
                end.silent = missing
                abandon(running.map(\.worker))
                return end
            }
            if grace.runsOut() {
                for (_, worker) in running { worker.kill() }
                if job != nil { break }
            }
        }
        if let job, job.rank == 0 { for other in ranks..<max(ranks, job.size) { job.send(.ended, to: other) } }
        report(&finished, watched, [], isLook: false, progress)
        abandon(running.map(\.worker))
        end.failures += running.map { rank, worker in
            SeenFailure(
                rank: rank, cause: .busy, moment: Clock.now(), isCause: false, positions: control.allPositions)
        }
        return end
    }

    /// Waits for the end of the ranks, none of which this process has: it tells others of a signal, and is told when to go on.
    private func lookOn(_ rollCall: inout RollCall, _ end: inout RanksEnd) {
        var hasTold = false
        while !rollCall.ranksHaveEnded {
            Clock.sleep(nanoseconds: UInt64(Self.lookMilliseconds) * 1_000_000)
            if rollCall.listen() != nil { return }
            if Signals.noted != nil && !hasTold {
                hasTold = true
                rollCall.tell(.stop)
            }
            end.silent = rollCall.missing
            if !end.silent.isEmpty { return }
        }
    }

    /// Leaves workers that cannot be ended by force to end with the program, which a failure of its job is about to end.
    private func abandon(_ workers: [RankWorker]) {
        for worker in workers { _ = unsafe Unmanaged.passRetained(worker as AnyObject) }
    }

    private func giveUp(because rank: Int, _ grace: inout Grace) {
        control.abort.raise(by: rank)
        grace.begin(Self.graceNanoseconds)
    }

    /// - Parameters:
    ///   - watched: the rank whose step is told.
    ///   - isLook: whether to call `progress` even where no step has ended.
    private func report(
        _ finished: inout FinishedSteps, _ watched: Int, _ stopped: [Int], isLook: Bool,
        _ progress: (RunProgress) -> RunProgress.Decision
    ) {
        let step = control.position(ofRank: watched).step
        let steps: [FinishedStep?] = finished.take(at: step)
        for finished in steps.isEmpty && isLook ? [nil] : steps {
            let decision = progress(RunProgress(step: step, finished: finished, stoppedRanks: stopped))
            if decision == .stop { control.requestStop() }
        }
    }

    private func failure(_ rank: Int, _ error: WorkerError<RankFailure>, isKilledByUs: Bool) -> SeenFailure {
        var (moment, isCause) = (Clock.now(), !isKilledByUs)
        if case .failed(let failure) = error { (moment, isCause) = (failure.moment, failure.isCause) }
        return SeenFailure(
            rank: rank, cause: .worker(error), moment: moment, isCause: isCause, positions: control.allPositions)
    }
}

/// How ranks ended, as their supervisor saw it.
struct RanksEnd: Codable {
    var reports: [RankReport] = []
    var failures: [SeenFailure] = []
    /// Ranks whose processes did not answer when the launcher ended the job.
    var silent: [Int] = []
    /// The number of the signal that has come to the process, or to any.
    var signal: Int32?
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
