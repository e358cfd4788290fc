// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// How long a chunk's forward (F) and the two parts of its backward (I and W) take, in whole numbers.
struct Times {
    let f, i, w: Int

    init(_ f: Int, _ i: Int, _ w: Int) { (self.f, self.i, self.w) = (f, i, w) }

    /// F + B.
    var both: Int { f + i + w }

    func of(_ kind: Action.Kind) -> Int {
        switch kind {
        case .forward: f
        case .backward: i + w
        case .backwardInput: i
        case .backwardWeights: w
        }
    }
}

/// A step of a sound order with equal stages: hand-offs cost nothing, all ranks start together, and an action starts when its
/// rank is free and what it needs is there. Made without the project's own replay, to test orders and it.
struct Replayed {
    /// When the last rank is done.
    let makespan: Int
    /// What a rank does; it is the same on all.
    let work: Int
    /// The most that a rank is idle between its first action and its last.
    let insideMost: Int

    /// Of each rank, from the step's start to its end.
    var idle: Int { makespan - work }

    init(_ schedule: Schedule, _ times: Times) {
        let count = schedule.stages * schedule.microbatches
        var forwards = [Int?](repeating: nil, count: count)
        var gradients = forwards
        var next = schedule.actions.map { _ in 0 }
        var ends = next
        var idleInside = next

        /// When what an action needs is there; nil for not yet.
        func ready(_ action: Action) -> Int? {
            let place = action.stage * schedule.microbatches + action.microbatch
            let (stages, stage) = (schedule.stages / schedule.copies, action.stage)
            switch action.kind {
            case .forward: return stage % stages == 0 ? 0 : forwards[place - schedule.microbatches]
            case .backward, .backwardInput:
                guard let own = forwards[place] else { return nil }
                if (stage + 1) % stages == 0 { return own }
                return gradients[place + schedule.microbatches].map { max($0, own) }
            case .backwardWeights: return gradients[place]
            }
        }

        var moved = true
        while moved {
            moved = false
            for (rank, list) in schedule.actions.enumerated() {
                while next[rank] < list.count, let ready = ready(list[next[rank]]) {
                    let action = list[next[rank]]
                    if next[rank] > 0 { idleInside[rank] += max(0, ready - ends[rank]) }
                    ends[rank] = max(ends[rank], ready) + times.of(action.kind)
                    let place = action.stage * schedule.microbatches + action.microbatch
                    if action.kind == .forward { forwards[place] = ends[rank] }
                    if action.kind.givesInputGradient { gradients[place] = ends[rank] }
                    next[rank] += 1
                    moved = true
                }
            }
        }
        precondition(next == schedule.actions.map(\.count), "an order that ends")
        let works = schedule.actions.map { list in list.reduce(0) { $0 + times.of($1.kind) } }
        precondition(Set(works).count == 1, "equal work on all ranks")
        makespan = ends.max()!
        work = works[0]
        insideMost = idleInside.max()!
    }
}

/// Every order of a kind on so many ranks, with 1 to 24 microbatches and as many stages a rank of 1 to 4 as it takes, without the
/// sizes that it refuses.
func forEachOrder(
    _ kind: ScheduleKind, _ ranks: Int, _ check: (ScheduleSizes, Schedule) throws -> Void
) rethrows {
    for virtualStages in 1...4 where kind.allows(virtualStages: virtualStages) {
        for microbatches in 1...24 {
            let sizes = ScheduleSizes(ranks: ranks, virtualStages: virtualStages, microbatches: microbatches)
            let schedule = kind.make(sizes)
            if schedule.ranks > 0 { try check(sizes, schedule) }
        }
    }
}
