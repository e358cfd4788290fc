// SPDX-License-Identifier: Apache-2.0

/// A local search over rules: each change is tried by making the order anew, so that a small change may change all of the order.
struct RuleClimb: Sendable {
    private let model: OrderModel
    private let scale: OrderScale
    private var list: ListOrder
    private var random: SearchRandom
    /// The best so far, what they make, and its makespan.
    private(set) var rules: ListRules
    private(set) var order: TokenOrder
    private(set) var makespan: Double
    /// Orders made so far.
    private(set) var evaluations = 0

    init(_ rules: ListRules, _ model: OrderModel, _ scale: OrderScale, seed: UInt64) {
        (self.rules, self.model, self.scale) = (rules, model, scale)
        list = ListOrder(model)
        random = SearchRandom(seed: seed)
        makespan = list.make(rules, model)
        order = list.order
    }

    /// Makes so many orders, or fewer if one is as short as `least`. What makes an order that is no longer is gone on from.
    mutating func run(_ budget: Int, least: Double, isOver: () -> Bool) {
        var isStopped = false
        while evaluations < budget && makespan > least && !isStopped {
            var changed = rules
            for _ in 0...random.below(3) { change(&changed) }
            evaluations += 1
            isStopped = evaluations & 15 == 0 && isOver()
            guard model.fits(changed) else { continue }
            let made = list.make(changed, model)
            if made > makespan { continue }
            (rules, order, makespan) = (changed, list.order, made)
        }
    }

    private mutating func change(_ rules: inout ListRules) {
        let stage = random.below(model.stages)
        switch random.below(10) {
        case 0...3: rules.priority[random.below(model.streams)] += spread(of: [0.1, 1, 5][random.below(3)])
        case 4, 5: changeFrames(&rules, stage)
        case 6:
            let most = min(rules.frames[stage], model.microbatches)
            rules.gradients[stage] = 1 + random.below(most)
        case 7: rules.late[stage] = random.below(3) == 0 ? model.microbatches : random.below(6)
        case 8:
            if model.isWholeShort(stage) {
                rules.whole[stage] = [0, model.microbatches, random.below(model.microbatches + 1)][random.below(3)]
            }
        default:
            if random.bits() & 1 == 0 {
                rules.patience = Double(sign: .plus, exponent: random.below(9) - 4, significand: 1)
            } else {
                rules.overlap = random.unit()
            }
        }
    }

    /// Between this many periods less and as many more, small changes more often.
    private mutating func spread(of periods: Double) -> Double {
        let draw = 2 * random.unit() - 1
        return draw * draw.magnitude * periods * scale.period
    }

    /// One more or one less for a stage, and at times one from another stage of its rank.
    private mutating func changeFrames(_ rules: inout ListRules, _ stage: Int) {
        let isMore = random.bits() & 1 == 0
        let frames = rules.frames[stage] + (isMore ? 1 : -1)
        rules.frames[stage] = min(model.microbatches, max(1, frames))
        rules.gradients[stage] = min(rules.gradients[stage], rules.frames[stage])
        let others = model.stagesOfRank[model.problem.rankOfStage[stage]]
        let other = others[random.below(others.count)]
        if other == stage { return }
        rules.frames[other] = min(model.microbatches, max(1, rules.frames[other] + (isMore ? -1 : 1)))
        rules.gradients[other] = min(rules.gradients[other], rules.frames[other])
    }
}

extension OrderModel {
    /// Whether orders by some rules hold no more than ranks may.
    func fits(_ rules: ListRules) -> Bool {
        guard let memory = problem.memory else { return true }
        for (rank, stages) in stagesOfRank.enumerated() {
            var bytes = 0
            for stage in stages {
                bytes +=
                    rules.frames[stage] * memory.frameBytes[stage] + rules.gradients[stage]
                    * memory.gradientBytes[stage]
            }
            if bytes > memory.limitOfRank[rank] { return false }
        }
        return true
    }
}
