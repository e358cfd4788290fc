// SPDX-License-Identifier: Apache-2.0

/// One microbatch's actions of a schedule, with the longest chains that lead to them and from them.
struct BoundChains {
    private let schedule: Schedule
    /// From the first forward to the last gradient.
    private var path: [Step]

    init(_ order: ScheduleOrder, _ costs: OrderCosts, _ microbatch: Int) {
        schedule = order.schedule
        let steps = BoundSteps(order, costs, microbatch)
        path = steps.forwards + (schedule.isForwardOnly ? [] : steps.backwards)
        // Along the path, what comes before an action and what comes after it.
        var tail = 0.0
        for index in path.indices.reversed() {
            path[index].tail = max(tail, path[index].branch)
            tail = path[index].tail + path[index].length + path[index].link
        }
    }

    /// Adds what each rank has to do to its jobs, for so many microbatches that are alike: jobs of one head and one tail take as long as
    /// one that is as long as they are together.
    func add(to jobs: inout [[PreemptiveMachine.Job]], times count: Int) {
        let times = Double(count)
        var head = 0.0
        for step in path {
            let rank = schedule.rankOfStage[step.action.stage]
            head += step.link
            jobs[rank].append(.init(head: head, length: step.length * times, tail: step.tail))
            if step.branch > 0 {
                jobs[rank].append(.init(head: head + step.length, length: step.branch * times, tail: 0))
            }
            head += step.length
        }
    }

    /// How long the longest chain is, of all.
    var length: Double { path.first.map { $0.link + $0.length + $0.tail } ?? 0 }

    /// The longest chain: along the path, and at its end off it where weights' gradients are longer than all that is left.
    var longest: BoundChain {
        var chain = BoundChain(length: length, actions: [])
        for (index, step) in path.enumerated() {
            chain.actions.append(step.action)
            let rest = index + 1 < path.count ? path[index + 1] : nil
            if step.branch > 0, step.branch >= rest.map({ $0.link + $0.length + $0.tail }) ?? 0 {
                let action = step.action
                chain.actions.append(Action(.backwardWeights, stage: action.stage, microbatch: action.microbatch))
                break
            }
        }
        return chain
    }

    /// An action on the path.
    fileprivate struct Step {
        let action: Action
        let length: Double
        /// Of the hand-off to it.
        let link: Double
        /// Of the weights' gradients that have to follow, where they are an action of their own.
        var branch = 0.0
        var tail = 0.0
    }
}

/// The steps of one microbatch's path.
private struct BoundSteps {
    private let order: ScheduleOrder
    private let costs: OrderCosts
    private let microbatch: Int

    init(_ order: ScheduleOrder, _ costs: OrderCosts, _ microbatch: Int) {
        (self.order, self.costs, self.microbatch) = (order, costs, microbatch)
    }

    private var schedule: Schedule { order.schedule }
    /// Those that it goes through.
    private var stages: Range<Int> { schedule.stages(ofCopy: order.table.copies[microbatch] ?? 0) }

    var forwards: [BoundChains.Step] {
        stages.map { stage in
            BoundChains.Step(
                action: Action(.forward, stage: stage, microbatch: microbatch), length: costs(of: stage).forward,
                link: schedule.isFirst(stage) ? 0 : link(stage - 1, stage))
        }
    }

    var backwards: [BoundChains.Step] {
        stages.reversed().map { stage in
            let link = schedule.isLast(stage) ? 0 : link(stage + 1, stage)
            let isSplit =
                order.table.index(.inputGradient, stage, microbatch) != order.table.index(.end, stage, microbatch)
            let action = Action(isSplit ? .backwardInput : .backward, stage: stage, microbatch: microbatch)
            return BoundChains.Step(
                action: action, length: costs(of: stage).duration(action.kind), link: link,
                branch: isSplit ? costs(of: stage).weightGradient : 0)
        }
    }

    private func costs(of stage: Int) -> ChunkCosts { costs.stages[schedule.modelStage(stage)] }

    private func link(_ from: Int, _ to: Int) -> Double { costs.handOff(from: from, to: to, in: schedule) }
}
