// SPDX-License-Identifier: Apache-2.0

import Glibc
import Threads

/// A rank that ended without a result, as it was seen.
struct SeenFailure: Codable {
    /// Why there is none.
    enum Cause: Codable {
        case worker(WorkerError<RankFailure>)
        /// Others gave up, and it was at work for longer than they waited.
        case busy
        /// Its process does not answer.
        case silent(host: String)
    }

    let rank: Int
    let cause: Cause
    /// Of a rank that told why, the moment at which it stopped; else the one at which its end was seen.
    var moment: UInt64
    let isCause: Bool
    /// Where all ranks were when the end was seen.
    var positions: [RankPosition]

    /// Whether it left because it had lost a connection: it did not hang.
    var isCutOff: Bool {
        if case .worker(.failed(let failure)) = cause { failure.reason == .wait(.disconnected) } else { false }
    }

    var isSilent: Bool { if case .silent = cause { true } else { false } }
}

/// Tells which rank's failure ended a run, and how.
struct FailureReport {
    let plan: RunPlan
    /// Processes of our control group that were killed for want of memory before the ranks were started; nil when nobody counts.
    let memoryKills: Int?
    /// At least one.
    let failures: [SeenFailure]

    /// What the caller of the run is to get: a file at fault is not the run's failure.
    var error: RunError {
        let causes = failures.filter(\.isCause)
        let first = (causes.isEmpty ? failures : causes).min { $0.moment < $1.moment }!
        let text = describe(first)
        guard case .worker(.failed(let own)) = first.cause, case .data(let data) = own.reason else {
            return .failed(text)
        }
        return .data(DataError(path: data.path, reason: text))
    }

    private func describe(_ failure: SeenFailure) -> String {
        let (rank, position) = (failure.rank, words(failure.positions[failure.rank], failure.rank))
        switch failure.cause {
        case .worker(let error): return describe(error, failure, position)
        case .busy: return "rank \(rank) was at work \(position) when the others gave up"
        case .silent(let host):
            return
                "rank \(rank), on \(host), does not answer: it has ended, was stopped, or cannot be reached; the other ranks "
                + "were stopped"
        }
    }

    private func describe(_ error: WorkerError<RankFailure>, _ failure: SeenFailure, _ position: String) -> String {
        let rank = failure.rank
        switch error {
        case .failed(let own):
            let culprit = plan.graph.blocker(of: rank, failure.positions)
            let isBlamed = culprit != rank && !failures.contains { $0.rank == culprit && $0.isCutOff }
            return own.description(
                at: words(own.position, rank), waitingFor: isBlamed ? (culprit, state(culprit, failure)) : nil)
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

    /// Where a rank is that holds up another one.
    private func state(_ culprit: Int, _ failure: SeenFailure) -> String {
        for case .silent(let host) in failures.filter({ $0.rank == culprit }).map(\.cause) {
            return "or its process, on \(host), is gone: it does not answer"
        }
        return words(failure.positions[culprit], culprit)
    }

    private func words(_ position: RankPosition, _ rank: Int) -> String {
        position.description(plan.graph.tasks[rank])
    }

    /// Says so when the kernel has killed a process of our control group for want of memory since the ranks started.
    private var memoryReason: String {
        guard let before = memoryKills, let now = Self.memoryKillsSoFar, now > before else { return "" }
        return ", by the kernel, because the container was out of memory"
    }

    /// Processes of our control group that were killed for want of memory; nil when nobody counts them.
    static var memoryKillsSoFar: Int? { (try? Machine.current())?.memoryKills }
}
