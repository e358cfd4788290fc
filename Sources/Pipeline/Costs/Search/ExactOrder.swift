// SPDX-License-Identifier: Apache-2.0

/// The shortest of all orders of a small problem, with the proof that there is no shorter one: a branch and bound.
///
/// What is searched: orders in which each stage takes microbatches in ascending order, its forwards, the gradients that it hands on
/// (I or B) and the ends (W or B) each for themselves. That loses nothing where all backwards of a stage have one form, since
/// microbatches are alike: call the m-th forward, gradient and end of each stage microbatch m's in any order that runs. When a
/// stage does its m-th gradient it has done m gradients, so m forwards at least, and has got m gradients of the next stage; so
/// whatever the renamed action needs is there, at the same times. How many microbatches a stage holds does not depend on their
/// names either. Where both forms are allowed it is a restriction, to the orders that add weight gradients up as one stage
/// does (`BitsPromise.asOneStage`): in others a B may overtake the W of an earlier microbatch.
///
/// Times are `OrderTimes`'. Choices are Giffler and Thompson's (1960): of all actions that could be done next, one, `first`, could end
/// first, say at t on rank r. Whatever r does next either begins before t, and is one of those that could be done next on r,
/// each of which is tried; or it begins at t or later, and then `first` can be done before it without delaying anything, since
/// whatever is not done yet on another rank ends at t or later. So the second case is never better, except where it is not
/// `first` alone that would change: done sooner, it might hold memory while another action needs it, and a backward that can be
/// whole or come apart may be wanted in its other form. Only there the rank is also held, which means that its next action begins
/// at t or later (`ExactSearch.mustHold`). So with limits too, every order that might be the best is reached: not only
/// the active ones.
///
/// A part of an order is left off where the bound of what is left (`MakespanBound`'s, with what is done) is no less than the
/// best makespan found, or where another part of the same actions was no later with anything and held no more.
public struct ExactOrder: Sendable {
    /// Which forms an order's backwards may have.
    public enum Backwards: Sendable, CaseIterable {
        /// B only.
        case whole
        /// I and W only.
        case split
        /// Either, for each stage and microbatch.
        case either

        /// Those of a stage that need to be looked at. A B that takes as long as I and W or longer is no better than both in a row,
        /// which hand the gradient on sooner and hold the same; an I that takes as long as B is no better than that.
        func forms(_ costs: ChunkCosts) -> (whole: Bool, split: Bool) {
            switch self {
            case .whole: return (true, false)
            case .split: return (false, true)
            case .either:
                let whole = costs.duration(.backward)
                if whole >= costs.inputGradient + costs.weightGradient { return (false, true) }
                return (true, whole > costs.inputGradient)
            }
        }
    }

    /// Whose order it is.
    public let problem: OrderProblem
    /// Which forms its backwards may have.
    public let backwards: Backwards
    /// The best order that was found; nil where none was, which with `isProven` means that none fits.
    public let schedule: Schedule?
    /// Its makespan; infinite where there is no order.
    public let makespan: Double
    /// Whether the search came to its end, so that no order takes less (but for rounding: 1e-12 of it).
    public let isProven: Bool
    /// How many parts of orders were looked at.
    public let nodes: Int

    /// Searches; traps where an action takes less than no time.
    ///
    /// - Parameters:
    ///   - problem: a small one: every microbatch and stage more may multiply the time.
    ///   - backwards: which forms an order's backwards may have.
    ///   - nodeLimit: how many parts of orders are looked at, at most; with the best order among them the search ends unproven.
    /// - Complexity: exponential in the actions; of each node O(actions x actions of the largest rank).
    public init(_ problem: OrderProblem, backwards: Backwards = .either, nodeLimit: Int = 1_000_000) {
        var search = ExactSearch(problem, backwards, nodeLimit: nodeLimit)
        search.run()
        let schedule = search.best.map { best in
            Schedule(
                name: "Exact", microbatches: problem.microbatches, rankOfStage: problem.rankOfStage,
                actions: ExactOrder.actions(best, problem))
        }
        let times = schedule.flatMap { try? OrderTimes($0, problem.costs) }
        (self.problem, self.backwards, self.schedule) = (problem, backwards, schedule)
        makespan = times?.makespan ?? .infinity
        (isProven, nodes) = (!search.isStopped, search.nodes)
    }

    /// Each rank's, of those that were done one after the other.
    private static func actions(_ trail: [Action], _ problem: OrderProblem) -> [[Action]] {
        var actions = [[Action]](repeating: [], count: problem.ranks)
        for action in trail { actions[problem.rankOfStage[action.stage]].append(action) }
        return actions
    }
}
