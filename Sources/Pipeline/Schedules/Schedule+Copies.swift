// SPDX-License-Identifier: Apache-2.0

/// A schedule may hold several copies of the chain of stages, numbered one after the other: of K stages each, stage s is copy
/// s div K's, and the model's stage s mod K. Only stages of one copy hand on to each other.
extension Schedule {
    /// The copy that a stage belongs to, counted from 0. Of a stage that is there.
    public func copy(ofStage stage: Int) -> Int { copies == 1 ? 0 : stage / stagesOfCopy }

    /// Which of the model's stages a stage is: its index in its copy. Of a stage that is there.
    public func modelStage(_ stage: Int) -> Int { copies == 1 ? stage : stage % stagesOfCopy }

    /// Whether a stage is the first of its copy: no other hands activations to it. Of any number.
    public func isFirst(_ stage: Int) -> Bool {
        copies == 1 ? stage == 0 : stagesOfCopy > 0 && stage % stagesOfCopy == 0
    }

    /// Whether a stage is the last of its copy, which makes the loss. Of any number.
    public func isLast(_ stage: Int) -> Bool {
        copies == 1 ? stage == stagesOfCopy - 1 : stagesOfCopy > 0 && stage % stagesOfCopy == stagesOfCopy - 1
    }

    /// A copy's stages, ascending. Of a copy that is there.
    public func stages(ofCopy copy: Int) -> Range<Int> { copy * stagesOfCopy..<(copy + 1) * stagesOfCopy }

    /// Edges between neighbours: the lower stage of each, ascending.
    var lowerEndsOfEdges: [Int] { rankOfStage.indices.dropLast().filter { !isLast($0) } }

    /// The schedule several times side by side: the same weights on more ranks, each replica with microbatches of its own (data
    /// parallelism).
    ///
    /// Of P ranks, K stages and M microbatches, replica c has ranks cP to (c + 1)P - 1, stages from cK on and microbatches from cM on; its copies
    /// are copies of the whole. Name, kind and group size stay. One replica is the schedule itself.
    ///
    /// - Parameter replicas: how many. Of a number that makes none comes a schedule that `validated()` refuses with the reason.
    public func replicated(_ replicas: Int) -> Schedule {
        if replicas == 1 || refusal != nil { return self }
        if let refusal = refusal(ofReplicas: replicas) { return with(([], []), microbatches, replicas: 1, refusal) }
        let (ranks, stages) = (ranks, stages)
        let rankOfStage = (0..<replicas).flatMap { replica in self.rankOfStage.map { $0 &+ replica * ranks } }
        let actions = (0..<replicas).flatMap { replica in
            self.actions.map { list in
                list.map { action in
                    Action(
                        action.kind, stage: action.stage &+ replica * stages,
                        microbatch: action.microbatch &+ replica * microbatches)
                }
            }
        }
        return with((rankOfStage, actions), microbatches * replicas, replicas: replicas, nil)
    }

    private func with(
        _ order: ScheduleKind.Order, _ microbatches: Int, replicas: Int, _ refusal: ScheduleError?
    ) -> Schedule {
        Schedule(
            (name, kind, groupSize), microbatches, order, (copies * replicas, self.replicas * replicas),
            refusal: refusal)
    }

    private func refusal(ofReplicas replicas: Int) -> ScheduleError? {
        if replicas < 1 { return .size("\(replicas) replicas: at least 1 is needed") }
        let counts = [actions.reduce(stages) { $0 + $1.count }, microbatches, copies, self.replicas]
        // Divided, because the product might not fit an Int.
        if counts.allSatisfy({ replicas <= ScheduleKind.actionsMost / max($0, 1) }) { return nil }
        return .size("\(replicas) replicas of \(name) are more than \(ScheduleKind.actionsMost) actions")
    }
}
