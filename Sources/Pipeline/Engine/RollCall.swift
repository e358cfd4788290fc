// SPDX-License-Identifier: Apache-2.0

import Threads

/// Finds out who is missing when a launcher ends a job: it tells nobody why, only SIGTERM, and soon kills whoever is left.
///
/// The first process asks all that have a rank, the others ask the first; each answers when it looks.
struct RollCall {
    private let job: any Job
    private let ranks: Int
    /// Whom it has asked and not heard of yet.
    private var asked: Set<Int> = []
    private var end: UInt64?
    /// Whether somebody who looks on wants the step at hand to be the last.
    private(set) var isToStop = false
    /// Whether the first process has told that the run's ranks have ended.
    private(set) var ranksHaveEnded = false

    /// Launchers kill a second after SIGTERM; the others look ten times a second.
    private static let answerNanoseconds: UInt64 = 500_000_000

    /// - Parameter ranks: how many of the first processes have one.
    init(_ job: any Job, ranks: Int) { (self.job, self.ranks) = (job, ranks) }

    /// Tells all others.
    func tell(_ notice: JobNotice) {
        for rank in 0..<job.size where rank != job.rank { job.send(notice, to: rank) }
    }

    /// Answers what others ask.
    /// - Returns: the rank that has given up the run, if one has.
    mutating func listen() -> Int? {
        if end == nil && Signals.noted == .terminate { ask() }
        var aborted: Int?
        for (notice, rank) in job.notices() {
            switch notice {
            case .abort: aborted = aborted ?? rank
            case .question: job.send(.answer, to: rank)
            case .answer: asked.remove(rank)
            case .stop: isToStop = true
            case .ended: ranksHaveEnded = true
            }
        }
        return aborted
    }

    private mutating func ask() {
        end = Clock.now() + Self.answerNanoseconds
        asked = job.rank == 0 ? Set(1..<max(1, ranks)) : [0]
        for rank in asked { job.send(.question, to: rank) }
    }

    /// Who has not answered in time.
    var missing: [Int] {
        guard let end, Clock.now() > end else { return [] }
        return asked.sorted()
    }
}
