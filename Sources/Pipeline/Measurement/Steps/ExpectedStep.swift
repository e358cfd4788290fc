// SPDX-License-Identifier: Apache-2.0

extension RunFigures {
    /// What the mean measured step would take if its hand-offs between ranks took just as long as the link says, or, where ranks are on
    /// several hosts, those between hosts, and others nothing: replays of the tasks' work, with what ranks lost besides. Nil
    /// without a timeline.
    public func expectedStep(over link: LinkCost) -> Double? {
        guard let timed else { return nil }
        let costs = result.plan.handoffs(over: link)
        return timed.steps.mean { $0.times.expected(over: costs) }
    }
}

extension ComparisonFigures {
    /// For each candidate, what its step would take if its hand-offs took just as long as the link says, in seconds: the median over the
    /// trials, as `CandidateFigures.stepSeconds` is of the measured ones. Which hand-offs are meant `RunFigures.expectedStep(over:)` says.
    /// - Parameter link: that hand-offs are to go over.
    public func expectedSteps(over link: LinkCost) -> [Estimate] {
        zip(comparison.candidates, comparison.trials).map { candidate, trials in
            let costs = candidate.plan.handoffs(over: link)
            return Estimate(medianOf: trials.map { $0.step.times.expected(over: costs) })
        }
    }
}

extension StepTimes {
    /// What the step would have taken if its hand-offs had cost just as much as this, in seconds.
    ///
    /// What a rank lost while its input was under way cost the step nothing, so of its losses at a wait only those count that came
    /// after the input would have arrived by the link.
    /// - Parameter link: of the same graph's tasks.
    public func expected(over link: Replay.Link) -> Double {
        var losses = losses
        for node in graph.order {
            let arrivals = graph.senders(of: node).map { sender in
                Pipeline.seconds(from: released, to: tasks[sender.rank][sender.task].sent)
                    + link.cost(of: graph.tasks[sender.rank][sender.task])
            }
            guard let arrival = arrivals.max() else { continue }
            let (rank, task) = (node.rank, node.task)
            let turned = Pipeline.seconds(from: released, to: tasks[rank][task].begin)
            let late = Pipeline.seconds(from: released, to: tasks[rank][task].ready) - max(arrival, turned)
            losses[rank][task].ready = min(losses[rank][task].ready, max(0, late))
        }
        return Replay(graph, durations: values(\.work), losses: losses, link: link).step
    }
}

extension RunPlan {
    /// What the run's hand-offs cost by a link: those between hosts, where its processes are on several.
    func handoffs(over link: LinkCost) -> Replay.Link {
        Replay.Link(
            graph, latency: link.latency, isOnLink: { job?.isOverNetwork(from: $0, to: $1) ?? true },
            transfer: { Double(handoffBytes(of: $0)) / link.bytesPerSecond })
    }

    /// Bytes of what a task hands on to other stages; 0 where that is nothing.
    func handoffBytes(of task: RankTask) -> Int {
        switch task {
        case .action(let action):
            let to = action.stage + (action.kind == .forward ? 1 : -1)
            return bytes(edges) { $0.from == action.stage && $0.to == to }
        case .share(let stage), .sum(let stage): return bytes(edgesBetweenCopies) { $0.from == stage }
        case .pack, .collect, .update: return 0
        }
    }

    private func bytes(_ edges: [Edge], where isWanted: (Edge) -> Bool) -> Int {
        edges.reduce(0) { $0 + (isWanted($1) ? $1.shape.count * 4 : 0) }
    }
}
