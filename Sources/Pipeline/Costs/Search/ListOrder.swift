// SPDX-License-Identifier: Apache-2.0

/// Makes an order as it would be worked off: the rank that can begin something first begins what its rules put first, or waits
/// for what is worth it; and so on, until all is done.
///
/// Each stage has at most as many microbatches in flight as the rules allow, and all go through it in ascending order. So it never
/// comes to a stop, however few these are: of the oldest microbatch that is not done, the next action always finds a frame,
/// since all before it have given theirs back.
struct ListOrder: Sendable {
    /// What was made last.
    private(set) var order: TokenOrder
    /// When each of a stream's microbatches ended.
    private var ends: [Double]
    /// For each stream how many are in the order; of ends those by B too.
    private var done: [Int]
    private var free: [Double]
    /// For each rank, what it would do next and when it can begin anything; infinite where it has to wait for others.
    private var choice: [Int]
    private var begin, moment: [Double]
    /// For each token of the rank at hand when it could begin.
    private var start: [Double]
    private var worth: [Double]

    init(_ model: OrderModel) {
        order = TokenOrder(model)
        ends = Array(repeating: 0, count: model.streams * model.microbatches)
        done = Array(repeating: 0, count: model.streams)
        free = Array(repeating: 0, count: model.ranks)
        choice = Array(repeating: -1, count: model.ranks)
        begin = free
        moment = free
        start = Array(repeating: .infinity, count: model.streams + model.stages)
        worth = start
    }

    /// Makes an order by rules; the makespan.
    ///
    /// - Complexity: O(actions x (ranks + stages of a rank)).
    mutating func make(_ rules: ListRules, _ model: OrderModel) -> Double {
        for index in done.indices { done[index] = 0 }
        for rank in 0..<model.ranks {
            order.count[rank] = 0
            free[rank] = 0
        }
        for rank in 0..<model.ranks { choose(rank, rules, model) }
        while true {
            var rank = 0
            for other in 1..<max(1, model.ranks) where moment[other] < moment[rank] { rank = other }
            if moment[rank] == .infinity { break }
            take(rank, model)
            let receiver = Int(model.receiver[choice[rank]])
            choose(rank, rules, model)
            if receiver >= 0 { choose(receiver, rules, model) }
        }
        return free.max() ?? 0
    }

    private mutating func take(_ rank: Int, _ model: OrderModel) {
        let token = choice[rank]
        let stream = Int(model.stream[token])
        let end = begin[rank] + model.length[token]
        ends[stream * model.microbatches + done[stream]] = end
        done[stream] += 1
        if token >= model.streams { done[stream + 1] += 1 }
        free[rank] = end
        order.append(token, to: rank, model)
    }

    private mutating func choose(_ rank: Int, _ rules: ListRules, _ model: OrderModel) {
        for stage in model.stagesOfRank[rank] { look(stage, rank, rules, model) }
        var earliest = Double.infinity
        for stage in model.stagesOfRank[rank] {
            for token in 3 * stage...3 * stage + 2 { earliest = min(earliest, start[token]) }
            earliest = min(earliest, start[model.streams + stage])
        }
        moment[rank] = earliest
        if earliest == .infinity { return }
        let best = best(rank, model) { $0 - (start[$1] - earliest) * rules.patience }
        (choice[rank], begin[rank]) = (best, start[best])
        if start[best] <= earliest { return }
        // The wait may hold something else.
        let fits = self.best(rank, model) { worth, token in
            start[token] + model.length[token] * (1 - rules.overlap) <= start[best] ? worth : -.infinity
        }
        if fits >= 0 { (choice[rank], begin[rank]) = (fits, start[fits]) }
    }

    /// Of what a rank could do the one of the most value; -1 where none has any.
    @inline(__always)
    private func best(_ rank: Int, _ model: OrderModel, _ value: (_ worth: Double, _ token: Int) -> Double) -> Int {
        var (best, most) = (-1, -Double.infinity)
        for stage in model.stagesOfRank[rank] {
            for kind in 0..<4 {
                let token = kind < 3 ? 3 * stage + kind : model.streams + stage
                if start[token] == .infinity { continue }
                let value = value(worth[token], token)
                if value > most { (best, most) = (token, value) }
            }
        }
        return best
    }

    /// When each of a stage's next actions could begin, and what it is worth.
    private mutating func look(_ stage: Int, _ rank: Int, _ rules: ListRules, _ model: OrderModel) {
        let (forward, input, weights, whole) = (3 * stage, 3 * stage + 1, 3 * stage + 2, model.streams + stage)
        let (forwards, inputs, ended) = (done[forward], done[input], done[weights])
        for token in [forward, input, weights] { start[token] = .infinity }
        start[whole] = .infinity
        var wish = inputs - ended > rules.late[stage] ? 1e300 : rules.priority[weights]
        if forwards < model.microbatches, let time = arrival(forward, rank, model) {
            worth[forward] = rules.priority[forward]
            if forwards - ended < rules.frames[stage] {
                start[forward] = time
            } else {
                wish = max(wish, worth[forward])
            }
        }
        let isWhole = inputs < rules.whole[stage]
        if inputs < forwards, let time = arrival(input, rank, model) {
            worth[input] = rules.priority[input]
            worth[whole] = worth[input]
            if isWhole ? ended == inputs : inputs - ended < rules.gradients[stage] {
                start[isWhole ? whole : input] = time
            } else {
                wish = max(wish, worth[input])
            }
        }
        if ended < inputs {
            start[weights] = free[rank]
            worth[weights] = wish
        }
    }

    /// When a rank could begin the next of a stream; nil while it is not known when its input is there.
    private func arrival(_ token: Int, _ rank: Int, _ model: OrderModel) -> Double? {
        let handedOn = Int(model.needs[token].1)
        if handedOn < model.streams { return done[handedOn] > done[token] ? free[rank] : nil }
        let source = Int(model.input[token])
        if source < 0 { return free[rank] }
        let number = done[token]
        return done[source] > number
            ? max(free[rank], ends[source * model.microbatches + number] + model.lag[token]) : nil
    }
}
