// SPDX-License-Identifier: Apache-2.0

import Threads

/// What the tasks of a traced step took, and what the step would have been under another order of them.
public struct TracedStep: Sendable {
    /// Counts from 0, warm-up included.
    public let step: Int
    /// P.
    public let ranks: Int
    /// Over all ranks.
    public let stages: Int
    /// M, over all copies.
    public let microbatches: Int
    /// How many the stages are of.
    private let copies: Int
    /// Whether nothing goes backwards in it.
    public let isForwardOnly: Bool
    /// Microseconds in which its rank had a CPU, of each.
    private let actions: [Action: Double]
    /// Likewise, by stage.
    private let packing: [Int: Double]
    /// Likewise, of tasks that sum over copies.
    private let reductions: [RankTask: Double]
    /// Likewise, by rank.
    private let updates: [Int: Double]
    /// The order that the trace shows; it may be none that can be run.
    public let recorded: Schedule

    /// Nil where the trace does not tell which stage and microbatch a task is of, or for how long it had a CPU, or lacks forwards.
    public init?(_ trace: TraceFile, step: Int) {
        var (actions, packing, updates) = ([Action: Double](), [Int: Double](), [Int: Double]())
        var reductions: [RankTask: Double] = [:]
        var order = [[Action]](repeating: [], count: trace.ranks)
        var rankOfStage: [Int: Int] = [:]
        for span in trace.spans.sorted(by: { $0.start < $1.start }) where span.step == step && !span.isWait {
            guard let cpu = span.cpu, let kind = RankTask.Kind(rawValue: span.category) else { return nil }
            switch kind {
            case .packing:
                guard let stage = span.stage else { return nil }
                packing[stage, default: 0] += cpu
            case .reduction:
                guard let stage = span.stage, let task = RankTask(label: span.name, stage: stage) else { return nil }
                reductions[task] = cpu
            case .update: updates[span.rank, default: 0] += cpu
            case .forward, .backward, .backwardInput, .backwardWeights:
                guard let action = Action.Kind.allCases.first(where: { $0.task == kind }), let stage = span.stage,
                    let microbatch = span.microbatch, stage >= 0, microbatch >= 0
                else { return nil }
                let done = Action(action, stage: stage, microbatch: microbatch)
                actions[done] = cpu
                order[span.rank].append(done)
                rankOfStage[stage] = span.rank
            }
        }
        let forwards = actions.keys.filter { $0.kind == .forward }
        guard let last = forwards.map(\.stage).max(), let most = forwards.map(\.microbatch).max(),
            last < forwards.count * Self.copiesMost, most < forwards.count,
            (last + 1) * (most + 1) % forwards.count == 0
        else { return nil }
        copies = (last + 1) * (most + 1) / forwards.count
        self.step = step
        (ranks, stages, microbatches) = (trace.ranks, last + 1, most + 1)
        isForwardOnly = forwards.count == actions.count
        (self.actions, self.packing, self.reductions, self.updates) = (actions, packing, reductions, updates)
        recorded = Schedule(
            name: "recorded", microbatches: most + 1, rankOfStage: (0...last).map { rankOfStage[$0] ?? 0 },
            copies: copies, actions: order)
    }

    private static let copiesMost = 1 << 16

    /// The step as this order would have had it: each task for as long as it had a CPU in the trace, hand-offs for nothing; a
    /// rank's update takes what its own took. A whole backward takes what its halves took.
    ///
    /// - Throws: `ScheduleError` when the order cannot be run, has other sizes, or halves of what the trace has whole.
    public func spans(under schedule: Schedule) throws(ScheduleError) -> [TraceFile.Span] {
        let graph = try TaskGraph(schedule)
        if schedule.isForwardOnly && !isForwardOnly {
            throw .size("the order has forwards alone, and the trace backwards too")
        }
        if schedule.copies != copies {
            func held(_ copies: Int) -> String { copies == 1 ? "one" : "\(copies)" }
            throw .size("the order holds \(held(schedule.copies)) copies of the stages, and the trace \(held(copies))")
        }
        let sizes = (schedule.ranks, schedule.stages, schedule.microbatches)
        if sizes != (ranks, stages, microbatches) {
            throw .size(
                "the trace has P=\(ranks), \(counted(stages, "stage")) and M=\(microbatches), and the order P=\(sizes.0), "
                    + "\(counted(sizes.1, "stage")) and M=\(sizes.2)")
        }
        var durations: [[Double]] = []
        for (rank, tasks) in graph.tasks.enumerated() {
            var own: [Double] = []
            for task in tasks { own.append(try duration(of: task, onRank: rank)) }
            durations.append(own)
        }
        let replay = Replay(graph, durations: durations)
        return graph.order.compactMap { node in
            let (task, duration) = (graph.tasks[node.rank][node.task], durations[node.rank][node.task])
            // Packing and updates that the trace has not, as of a rank that was alone.
            if case .action = task {} else if duration == 0 { return nil }
            return TraceFile.Span(
                rank: node.rank, step: step, name: task.label, category: task.kind.rawValue,
                start: replay.start[node.rank][node.task], duration: duration, stage: task.stage,
                microbatch: nil, cpu: duration)
        }
    }

    private func duration(of task: RankTask, onRank rank: Int) throws(ScheduleError) -> Double {
        switch task {
        case .pack(let stage): return packing[stage] ?? 0
        case .share, .sum, .collect: return reductions[task] ?? 0
        case .update: return updates[rank] ?? 0
        case .action(let action):
            func half(_ kind: Action.Kind) -> Double? {
                actions[Action(kind, stage: action.stage, microbatch: action.microbatch)]
            }
            if let known = actions[action] { return known }
            if action.kind == .backward, let first = half(.backwardInput), let second = half(.backwardWeights) {
                return first + second
            }
            throw .size(
                half(.backward) == nil
                    ? "the order has action \(action), and the trace has none such"
                    : "the order has halves of backwards, such as \(action), where the trace has a whole one: record it under an "
                        + "order that has halves, such as \(stages > ranks ? "interleaved-zb" : "zb-h1")")
        }
    }
}
