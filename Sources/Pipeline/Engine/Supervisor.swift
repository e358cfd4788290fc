import Threads

/// Watches the ranks of a run, from the caller's thread: collects their reports, and when one fails, ends the others.
struct Supervisor {
    typealias RankWorker = any Worker<RankReport, RankFailure>

    let plan: RunPlan
    let control: ControlBlock
    /// Called now and then while the ranks run, with the step they are in.
    let progress: (Int) -> Void
    /// Of `memoryKillsSoFar`, before the ranks were started.
    let memoryKills: Int?

    /// How long ranks that were told to stop may take before processes are killed.
    private static let graceNanoseconds: UInt64 = 1_000_000_000

    /// Waits for every rank and collects it.
    /// - Throws: `RunError.failed`, which names the rank that failed first and where it was.
    func collect(_ workers: [RankWorker]) throws(RunError) -> [RankReport] {
        var running = Array(workers.enumerated())
        var reports: [RankReport] = []
        var failures: [(rank: Int, error: WorkerError<RankFailure>, isCause: Bool)] = []
        var stopBy: UInt64?
        while !running.isEmpty {
            progress(control.step)
            for (rank, worker) in running where worker.hasEnded(within: 100 / running.count + 1) {
                running.removeAll { $0.offset == rank }
                do throws(WorkerError<RankFailure>) {
                    reports.append(try worker.join())
                } catch {
                    // Whom we killed ourselves was too slow to stop, and nothing else.
                    failures.append((rank, error, stopBy != .max && isCause(error)))
                    control.abort.raise(by: rank)
                    if stopBy == nil { stopBy = Clock.now() + Self.graceNanoseconds }
                }
            }
            if let moment = stopBy, Clock.now() > moment {
                for (_, worker) in running { worker.kill() }
                stopBy = .max
            }
        }
        if let cause = failures.first(where: \.isCause) ?? failures.first {
            throw .failed(describe(cause.rank, cause.error))
        }
        return reports.sorted { $0.rank < $1.rank }
    }

    /// Whether a failure is one of its own, rather than a rank that left because another one had failed or was gone.
    private func isCause(_ error: WorkerError<RankFailure>) -> Bool {
        guard case .failed(let failure) = error, case .wait(let reason) = failure.reason else { return true }
        switch reason {
        case .aborted, .disconnected: return false
        case .timedOut: return true
        }
    }

    private func describe(_ rank: Int, _ error: WorkerError<RankFailure>) -> String {
        let position = control.position(ofRank: rank, plan.graph)
        switch error {
        case .failed(let failure): return failure.description
        case .killed(let signal):
            let name = signal == 9 ? " (SIGKILL)" : signal == 11 ? " (SIGSEGV)" : signal == 7 ? " (SIGBUS)" : ""
            let reason = signal == 9 ? memoryReason : ""
            return
                "rank \(rank) was killed by signal \(signal)\(name) \(position)\(reason); the other ranks were stopped"
        case .exited(let code):
            return "rank \(rank) ended with code \(code) \(position) without a report; the other ranks were stopped"
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
