// SPDX-License-Identifier: Apache-2.0

import Threads

/// A search under way.
struct SearchState {
    /// An order that it goes on from.
    private struct Candidate {
        var order: TokenOrder
        var makespan: Double
        let start: FoundOrder.Start
        /// What made it, if it was made by rules.
        var rules: ListRules?
    }

    private let model: OrderModel
    private let scale: OrderScale
    private let bound: MakespanBound
    private let least: Double
    /// The makespan from which on there is nothing to look for.
    private let enough: Double
    private let seed: UInt64
    private let budget: Int
    private let clockEnd: UInt64
    private var evaluations = 0
    private var pool: [Candidate] = []
    private var bestNamed: FoundOrder.Named?

    init(_ problem: OrderProblem, seed: UInt64, evaluations: Int, seconds: Double) throws(ScheduleError) {
        model = OrderModel(problem)
        scale = OrderScale(model)
        try model.checkRoom()
        bound = try model.bound()
        least = max(bound.value, FrameBound.isCheap(model) ? FrameBound(model, model.leastCosts).value : 0)
        // Sums that were added up in another order may differ in their last digits.
        enough = least * (1 + 1e-12)
        self.seed = seed
        // Small enough to be multiplied.
        budget = min(max(0, evaluations), 1 << 48)
        let nanoseconds = seconds * 1e9
        clockEnd = nanoseconds < 1e18 ? Clock.now() + UInt64(max(0, nanoseconds)) : .max
    }

    private var isOver: Bool { clockEnd != .max && Clock.now() >= clockEnd }

    /// All named orders that fit, and lists by all rules.
    mutating func begin() {
        var replay = TokenReplay(model)
        var check = RankCheck(model)
        for (kind, schedule) in model.namedOrders() {
            let order = TokenOrder(schedule, model)
            guard (0..<model.ranks).allSatisfy({ check.admits(order, $0, model) }) else { continue }
            evaluations += 1
            guard let makespan = replay.trace(order, model) else { continue }
            if makespan < bestNamed?.makespan ?? .infinity { bestNamed = .init(kind: kind, makespan: makespan) }
            pool.append(Candidate(order: order, makespan: makespan, start: .named(kind)))
        }
        var list = ListOrder(model)
        for (number, rules) in ListRules.all(model, scale).enumerated() {
            let makespan = list.make(rules, model)
            evaluations += 1
            pool.append(Candidate(order: list.order, makespan: makespan, start: .list(number), rules: rules))
            if isOver { break }
        }
        sort()
    }

    private mutating func sort() {
        pool = pool.enumerated().sorted { one, other in
            (one.element.makespan, one.offset) < (other.element.makespan, other.offset)
        }.map(\.element)
        var kept: [Candidate] = []
        for candidate in pool where kept.count < 8 && !kept.contains(where: { $0.order == candidate.order }) {
            kept.append(candidate)
        }
        pool = kept
    }

    /// Changes the rules of the best few.
    mutating func turnRules() {
        let each = Int(Double(budget) * Self.ruleShare / Double(Self.rulesTurned))
        let made = pool.filter { $0.rules != nil }.prefix(Self.rulesTurned)
        for candidate in made where pool[0].makespan > enough && !isOver {
            var climb = RuleClimb(candidate.rules!, model, scale, seed: seed &+ UInt64(evaluations))
            climb.run(min(each, budget - evaluations), least: enough) { isOver }
            evaluations += climb.evaluations
            pool.append(
                Candidate(order: climb.order, makespan: climb.makespan, start: candidate.start, rules: climb.rules))
        }
        sort()
    }
    private static let ruleShare = 0.1
    private static let rulesTurned = 3

    /// Anneals the best: for most of the budget from hot, which leaves its start behind; then from the best of all, less hot.
    mutating func climb() {
        for (share, hot) in [(0.6, 0.3), (1, 0.06)] where pool[0].makespan > enough && !isOver {
            let share = Int(Double(budget - evaluations) * share)
            if share <= 0 { return }
            var climb = OrderClimb(pool[0].order, model, seed: seed &+ UInt64(evaluations))
            climb.run(share, hot: scale.period * hot, cold: scale.period * 0.01, least: enough) { isOver }
            evaluations += climb.evaluations
            pool[0].order = climb.best
            pool[0].makespan = climb.makespan
        }
    }

    func found() throws(ScheduleError) -> FoundOrder {
        let best = pool[0]
        let schedule = best.order.schedule(model, name: "auto")
        let facts = try schedule.validated()
        // Not of any order that is shorter than the bound, which would show that the bound is wrong.
        let isProven = best.makespan <= enough && best.makespan >= least * (1 - 1e-12)
        let end: FoundOrder.End =
            best.makespan <= enough ? .bound : evaluations < budget && isOver ? .time : .evaluations
        return FoundOrder(
            schedule: schedule, makespan: try OrderTimes(schedule, model.problem.costs).makespan, bound: bound,
            leastMakespan: isProven ? best.makespan : least,
            bytesOfRank: model.problem.memory?.bytesOfRank(schedule, facts) ?? [],
            start: best.start, bestNamed: bestNamed, evaluations: evaluations, end: end)
    }
}
