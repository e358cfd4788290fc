// SPDX-License-Identifier: Apache-2.0

/// By what `ListOrder` chooses: numbers that a search can turn.
struct ListRules: Equatable, Sendable {
    /// For each stream, in the costs' unit: of what a rank could do, it takes what has the most.
    var priority: [Double]
    /// For each stage the most microbatches from F to W or B, and from I to W or within B; at least 1.
    var frames, gradients: [Int]
    /// For each stage, how many Ws may wait before the next goes first.
    var late: [Int]
    /// For each stage, how many microbatches' backwards are done whole before the others come apart.
    var whole: [Int]
    /// Priority that is lost for each unit of time that a rank would have to wait.
    var patience: Double
    /// What fits into a rank's wait may be longer than it by so much of its own length.
    var overlap: Double
}

/// Times of a problem that rules are made from.
struct OrderScale: Sendable {
    /// For each stream the longest chain from its start to the end of the step.
    let tail: [Double]
    /// For each stage, from the start of a microbatch's F to the end of its I or B where nobody else is in the way.
    let life: [Double]
    /// The most that a rank works on one microbatch.
    let period: Double

    init(_ model: OrderModel) {
        var tail = [Double](repeating: 0, count: model.streams)
        var life = [Double](repeating: 0, count: model.stages)
        for stage in 0..<model.stages {
            let weights = model.length[3 * stage + 2]
            tail[3 * stage + 2] = weights
            var after = weights
            if stage > 0 { after = max(after, model.lag[3 * stage - 2] + tail[3 * stage - 2]) }
            tail[3 * stage + 1] = model.length[3 * stage + 1] + after
        }
        for stage in (0..<model.stages).reversed() {
            let isLast = stage + 1 == model.stages
            let (forward, input) = (model.length[3 * stage], model.length[3 * stage + 1])
            let within = isLast ? 0 : model.lag[3 * stage + 3] + life[stage + 1] + model.lag[3 * stage + 1]
            life[stage] = forward + within + input
            let next = isLast ? tail[3 * stage + 1] : model.lag[3 * stage + 3] + tail[3 * stage + 3]
            tail[3 * stage] = forward + next
        }
        (self.tail, self.life) = (tail, life)
        period = model.stagesOfRank.map { stages in stages.reduce(0) { $0 + model.work($1) } }.max() ?? 0
    }
}

extension OrderModel {
    /// What a stage does for a microbatch, in the shorter way.
    func work(_ stage: Int) -> Double {
        let backward = min(length[streams + stage], length[3 * stage + 1] + length[3 * stage + 2])
        return length[3 * stage] + backward
    }

    /// The most frames of each stage up to those wanted that a rank's memory has room for; nil where it has none for one of each.
    ///
    /// Of those that are too many, stages give up the ones that they need least: the most beyond the time that a microbatch
    /// takes from there.
    func fitting(
        frames: [Int], gradients: [Int], _ scale: OrderScale
    ) -> (frames: [Int], gradients: [Int])? {
        guard let memory = problem.memory else { return (frames, gradients) }
        var (frames, gradients) = (frames, gradients)
        for (rank, stages) in stagesOfRank.enumerated() {
            func bytes() -> Int {
                stages.reduce(0) { $0 + frames[$1] * memory.frameBytes[$1] + gradients[$1] * memory.gradientBytes[$1] }
            }
            while bytes() > memory.limitOfRank[rank] {
                let larger = stages.filter { frames[$0] > 1 }
                guard let stage = larger.max(by: { surplus($0, frames, scale) < surplus($1, frames, scale) }) else {
                    guard let stage = stages.first(where: { gradients[$0] > 1 }) else { return nil }
                    gradients[stage] -= 1
                    continue
                }
                frames[stage] -= 1
                gradients[stage] = min(gradients[stage], frames[stage])
            }
        }
        return (frames, gradients)
    }

    private func surplus(_ stage: Int, _ frames: [Int], _ scale: OrderScale) -> Double {
        Double(frames[stage]) / max(scale.life[stage], .leastNormalMagnitude)
    }
}

extension ListRules {
    /// Those that a search begins with: few to many microbatches in flight, forwards or backwards first, early or late Ws,
    /// backwards apart or whole. None where memory is short of one frame of each kind for some stage.
    static func all(_ model: OrderModel, _ scale: OrderScale) -> [ListRules] {
        var all: [ListRules] = []
        for share in [0.5, 0.75, 1, 1.25, 1.5, 2, 3, .infinity] {
            let wanted = scale.life.map { life in
                let count = (share * life / max(scale.period, .leastNormalMagnitude)).rounded(.up)
                return count < Double(model.microbatches) ? max(1, Int(count)) : model.microbatches
            }
            for most in [1, 2, model.microbatches] {
                guard
                    let fit = model.fitting(frames: wanted, gradients: wanted.map { min($0, most) }, scale)
                else { return [] }
                for priority in priorities(model, scale) {
                    for whole in wholes(model) {
                        let rules = ListRules(
                            priority: priority, frames: fit.frames, gradients: fit.gradients,
                            late: Array(repeating: model.microbatches, count: model.stages), whole: whole,
                            patience: 1, overlap: 0.25)
                        if !all.contains(rules) { all.append(rules) }
                    }
                }
            }
        }
        return all
    }

    /// Backwards first and of them the longest tail; the longest tail of all; backwards first, then what is nearest the loss.
    private static func priorities(_ model: OrderModel, _ scale: OrderScale) -> [[Double]] {
        let most = scale.tail.max() ?? 0
        func each(_ value: (_ stage: Int, _ part: Int, _ tail: Double) -> Double) -> [[Double]] {
            [(0..<model.streams).map { value($0 / 3, $0 % 3, scale.tail[$0]) }]
        }
        let ranked = each { _, part, tail in part == 0 ? tail : part == 1 ? most + tail : -most }
        let tails = each { _, part, tail in part == 2 ? -most : tail }
        let deep = each { stage, part, tail in
            part == 0 ? most - tail : part == 1 ? most + scale.life[stage] : -most
        }
        let isOnePerRank = model.stages == model.ranks
        return ranked + tails + (isOnePerRank ? [] : deep)
    }

    /// All apart; the first stage's whole, for whose input's gradient nobody waits; all whole that are not longer so.
    private static func wholes(_ model: OrderModel) -> [[Int]] {
        func of(_ isWhole: (Int) -> Bool) -> [Int] {
            (0..<model.stages).map { isWhole($0) && model.isWholeShort($0) ? model.microbatches : 0 }
        }
        return [of { _ in false }, of { $0 == 0 }, of { _ in true }]
    }
}
