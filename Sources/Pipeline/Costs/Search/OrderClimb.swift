// SPDX-License-Identifier: Apache-2.0

/// A local search from one order: simulated annealing (Kirkpatrick et al. 1983) over `OrderMoves`.
struct OrderClimb: Sendable {
    private let model: OrderModel
    /// Where it is.
    private var order: TokenOrder
    private var cost: Double
    /// What of the cost the ends of all ranks are.
    private var ends: Double
    /// For each rank how long its actions take.
    private var work: [Double]
    /// The best it has come upon.
    private(set) var best: TokenOrder
    private(set) var makespan: Double
    /// Replays so far.
    private(set) var evaluations = 0
    /// Of where it is, and of what it tries.
    private var traced, replay: TokenReplay
    private var guess: MakespanGuess
    private var check: RankCheck
    private var moves: OrderMoves
    private var random: SearchRandom

    /// From an order that can be run and fits.
    init(_ order: TokenOrder, _ model: OrderModel, seed: UInt64) {
        self.model = model
        self.order = order
        best = order
        replay = TokenReplay(model)
        traced = replay
        guess = MakespanGuess(model)
        check = RankCheck(model)
        moves = OrderMoves(model)
        random = SearchRandom(seed: seed)
        work = (0..<model.ranks).map { order.work($0, model) }
        (makespan, cost, ends) = (0, 0, 0)
        makespan = follow()
    }

    /// The makespan, and a little for the ends of all ranks, so that of many orders of one makespan those count as better that have
    /// fewer ranks at their limit.
    private static func cost(_ makespan: Double, _ replay: TokenReplay) -> Double {
        makespan + share * replay.endOfRank.reduce(0, +) / Double(replay.endOfRank.count)
    }
    static let share = 0.02

    /// Goes on for so many replays, or until an order is as short as `least`.
    ///
    /// - Parameters:
    ///   - hot: a loss of time that is taken with probability 1/e at the beginning.
    ///   - cold: the same at the end.
    mutating func run(_ budget: Int, hot: Double, cold: Double, least: Double, isOver: () -> Bool) {
        let (start, end) = (evaluations, evaluations + budget)
        var (heat, tries, cooled) = (hot, 0, 0)
        // The 64th root, of square roots: these are the same on every machine.
        let factor = (0..<6).reduce(cold / hot) { ratio, _ in ratio.squareRoot() }
        // Most changes that chance comes upon can be tried, but there may be orders that none can be made of.
        while evaluations < end && makespan > least && tries < 50 * budget {
            if tries & 255 == 0 {
                if isOver() { return }
                while cooled < (evaluations - start) * 64 / budget {
                    heat *= factor
                    cooled += 1
                }
            }
            tries += 1
            step(heat)
        }
    }

    private mutating func step(_ heat: Double) {
        guard let change = moves.change(&order, model, &random) else { return }
        let rank = change.rank
        let limit = cost + heat * random.exponential()
        let isHopeless = change.isOrder && guess.makespan(change, moves, order, traced, model) + ends > limit
        if isHopeless || !check.admits(order, rank, model) { return moves.undo(&order, rank, model) }
        let before = work[rank]
        if !change.isOrder { work[rank] = order.work(rank, model) }
        evaluations += 1
        if let makespan = replay.makespan(order, model, work: work, limit: limit * (1 + 1e-12)) {
            let cost = Self.cost(makespan, replay)
            if cost <= limit {
                if makespan < self.makespan {
                    self.makespan = makespan
                    best = order
                }
                _ = follow()
                return
            }
        }
        work[rank] = before
        moves.undo(&order, rank, model)
    }

    /// Replays where it is, with its critical path; the makespan.
    private mutating func follow() -> Double {
        let makespan = traced.trace(order, model) ?? .infinity
        cost = Self.cost(makespan, traced)
        ends = cost - makespan
        moves.follow(traced, order, model, &random)
        return makespan
    }
}

extension TokenOrder {
    /// How long a rank's actions take.
    func work(_ rank: Int, _ model: OrderModel) -> Double {
        var sum = 0.0
        for index in model.first[rank]..<model.first[rank] + count[rank] { sum += model.length[Int(tokens[index])] }
        return sum
    }
}
