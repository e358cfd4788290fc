// SPDX-License-Identifier: Apache-2.0

import Threads

/// Looks for a short order of a problem.
///
/// It begins with every named order of the problem's placement that fits the memory, and with orders made by lists of rules
/// (`ListOrder`), and changes the best of them where their critical paths are (`OrderClimb`). So what it finds is never longer than
/// the shortest named order that fits.
///
/// The same problem, seed and number of evaluations give the same order, to the action, on any machine, as long as time does not end
/// the search: whether it did, `FoundOrder.end` tells.
public struct OrderSearch: Sendable {
    private let problem: OrderProblem
    private let seed: UInt64
    private let evaluations: Int
    private let seconds: Double

    /// - Parameters:
    ///   - problem: what is looked for.
    ///   - seed: decides all that is left to chance.
    ///   - evaluations: how many orders it may replay or make, at least; it makes all it begins with, even if these are more.
    ///   - seconds: when it stops at the latest; it may take as long as its first orders take.
    public init(_ problem: OrderProblem, seed: UInt64 = 0, evaluations: Int = 200_000, seconds: Double = .infinity) {
        (self.problem, self.seed) = (problem, seed)
        (self.evaluations, self.seconds) = (evaluations, seconds)
    }

    /// The shortest order that it comes upon.
    /// - Throws: `ScheduleError.size` where a rank's memory has no room for one microbatch at each of its stages.
    public func run() throws(ScheduleError) -> FoundOrder {
        var state = try SearchState(problem, seed: seed, evaluations: evaluations, seconds: seconds)
        state.begin()
        state.turnRules()
        state.climb()
        return try state.found()
    }
}
