// SPDX-License-Identifier: Apache-2.0

/// How much others on its CPUs disturbed a run of which each rank has a CPU of its own.
///
/// It counts what they cost: for how long the critical path stood still because a rank was without its CPU. A rank that
/// would have waited in any case lost nothing. Helpers (`--threads`) are not watched.
public struct Disturbance: Equatable, Sendable {
    /// The lost part of the steps, from 0 to 1.
    public let share: Double

    /// What a quiet machine stays below: of 378 runs of the reference study's grid on one stage or two, on a virtual machine
    /// with two CPUs, half had less than 0.3 %, 95 % less than 1 %, and the worst one 1.3 %. (That was when time lost between
    /// tasks did not count.) An endless loop on the CPU of one stage takes half.
    public static let limit = 0.02
    /// Whether it is more than a quiet machine has, so that the run is to be measured again.
    public var isTooMuch: Bool { share > Self.limit }

    /// Takes a share as it is, such as one that a results CSV tells.
    public init(share: Double) { self.share = share }

    /// - Parameter steps: at least one; of several, their lost times together over their times together.
    public init(_ steps: [StepFigures]) {
        let all = steps.reduce(0) { $0 + $1.times.seconds }
        share = all > 0 ? steps.reduce(0) { $0 + $1.breakdown.oversubscription } / all : 0
    }
}

/// The quietest of a few tries: what is disturbed is measured again, a bounded number of times.
///
/// Whether to try again, and which try to keep, follow from the disturbance alone, never from the speed: to keep the fastest
/// of several would favour lucky steps, and whatever varies most. How much others take from a run does not depend on how
/// fast its steps would have been without them, so that the tries that are kept are a fair sample of quiet ones.
public struct Quietest<Outcome> {
    /// At most so many tries.
    public static var triesMost: Int { 3 }

    /// What the least disturbed try gave.
    public let outcome: Outcome
    /// How often it was measured.
    public let tries: Int

    /// Measures until a try is quiet, or nothing can be told of it, or there were `triesMost`; keeps the least disturbed, and
    /// of equals the first.
    ///
    /// - Parameters:
    ///   - disturbance: of a try, by what it gave; nil when nothing can be told of it.
    ///   - measure: is given the number of the try, from 1. What it throws ends the tries: a fault is not hidden behind the
    ///     figures of another try.
    public init<Failure: Error>(
        disturbance: (Outcome) -> Disturbance?, measure: (Int) throws(Failure) -> Outcome
    ) throws(Failure) {
        var tries = 1
        var best = try measure(tries)
        var least = disturbance(best)
        while tries < Self.triesMost, let known = least, known.isTooMuch {
            tries += 1
            let next = try measure(tries)
            guard let new = disturbance(next), new.share < known.share else { continue }
            (best, least) = (next, new)
        }
        (outcome, self.tries) = (best, tries)
    }
}
