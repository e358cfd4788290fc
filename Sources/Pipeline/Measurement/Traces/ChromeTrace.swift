// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Threads

/// The measured steps of a run as Chrome trace events, which Perfetto and `ppthreads trace` open: a track for each rank with
/// its tasks and waits, an arrow for each hand-off between ranks, counters for activation memory and for items on each edge.
///
/// Times are in microseconds from the first release. Format: the Trace Event Format's JSON object form.
public struct ChromeTrace {
    /// For the counters; nil where there is no model.
    private let plan: RunPlan?
    private let graph: TaskGraph
    private let steps: [(number: Int, figures: StepFigures)]
    private let origin: UInt64

    /// Of a run, and what its timeline tells.
    public init(_ result: RunResult, _ timed: TimedFigures) { self.init(result.plan, result.plan.graph, timed) }

    /// Of a simulated run, and what its steps are.
    public init(_ run: SimulatedRun, _ timed: TimedFigures) { self.init(run.plan, run.first.graph, timed) }

    private init(_ plan: RunPlan?, _ graph: TaskGraph, _ timed: TimedFigures) {
        (self.plan, self.graph) = (plan, graph)
        steps = timed.steps.enumerated().map { (timed.firstStep + $0, $1) }
        origin = steps[0].figures.times.released
    }

    /// The file, an event a line.
    public var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let events =
            names + steps.flatMap { moments($0.number, $0.figures) + tasks($0.number, $0.figures.times) } + counters
        let lines = events.map { event in
            do { return String(decoding: try encoder.encode(event), as: UTF8.self) } catch {
                trap("an event that is no JSON: \(error)")
            }
        }
        return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n\(lines.joined(separator: ",\n"))\n]}\n"
    }

    private var names: [TraceEvent] {
        graph.tasks.indices.map { rank in
            var event = TraceEvent(ph: "M", tid: rank, name: "thread_name")
            event.args = .init(name: "rank \(rank)")
            return event
        }
    }

    /// The release into a step, and its end with what the step's terms are.
    private func moments(_ step: Int, _ figures: StepFigures) -> [TraceEvent] {
        let (times, terms) = (figures.times, figures.breakdown)
        var end = TraceEvent.Arguments(step: step)
        (end.workUs, end.imbalanceUs, end.bubbleUs) = (terms.work * 1e6, terms.imbalance * 1e6, terms.bubble * 1e6)
        (end.oversubscriptionUs, end.transportUs) = (terms.oversubscription * 1e6, terms.transport * 1e6)
        (end.reductionUs, end.optimizerUs) = (terms.reduction * 1e6, terms.optimizer * 1e6)
        func event(_ name: String, _ moment: UInt64, _ arguments: TraceEvent.Arguments) -> TraceEvent {
            TraceEvent(ph: "i", ts: microseconds(moment), s: "g", name: name, args: arguments)
        }
        let length = UInt64((times.seconds * 1e9).rounded())
        return [
            event("released", times.released, .init(step: step)), event("step end", times.released + length, end),
        ]
    }

    // MARK: Tasks

    private func tasks(_ step: Int, _ times: StepTimes) -> [TraceEvent] {
        graph.order.flatMap { node -> [TraceEvent] in
            let (rank, task) = (node.rank, graph.tasks[node.rank][node.task])
            let own = times.tasks[rank][node.task]
            var arguments = TraceEvent.Arguments(step: step)
            func wait(_ name: String, _ start: UInt64, _ end: UInt64) -> TraceEvent {
                span(rank, name, "wait", start, end, arguments)
            }
            var waits: [TraceEvent] = []
            if own.received > own.begin { waits.append(wait("no input", own.begin, own.received)) }
            if own.roomWait != .ready { waits.append(wait("no room", own.received, own.ready)) }
            arguments.stage = task.stage
            if case .action(let action) = task { arguments.microbatch = action.microbatch }
            add(own, node.task, to: &arguments)
            let arrows = graph.senders(of: node).flatMap { arrow(step, $0, node, times) }
            return [span(rank, task.label, task.kind.rawValue, own.ready, own.end, arguments)] + waits + arrows
        }
    }

    /// What a bar does not show.
    private func add(_ own: TaskTimes, _ task: Int, to arguments: inout TraceEvent.Arguments) {
        func length(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1000 }
        arguments.task = task
        arguments.beginUs = microseconds(own.begin)
        arguments.receivedUs = microseconds(own.received)
        arguments.sentUs = microseconds(own.sent)
        arguments.cpuUs = length(own.cpu)
        arguments.lostBeforeUs = length(own.lostBefore)
        arguments.lostWaitingUs = length(own.lostWaiting)
        arguments.lostWorkingUs = length(own.lostWorking)
        arguments.lostFinishingUs = length(own.lostFinishing)
        (arguments.input, arguments.room) = ("\(own.inputWait)", "\(own.roomWait)")
    }

    private func span(
        _ rank: Int, _ name: String, _ category: String, _ start: UInt64, _ end: UInt64,
        _ arguments: TraceEvent.Arguments
    ) -> TraceEvent {
        TraceEvent(
            ph: "X", tid: rank, ts: microseconds(start), dur: microseconds(end, since: start), name: name,
            cat: category, args: arguments)
    }

    /// From the end of the sender's work to the start of the receiver's.
    private func arrow(
        _ step: Int, _ sender: TaskGraph.Node, _ receiver: TaskGraph.Node, _ times: StepTimes
    ) -> [TraceEvent] {
        // A sum over copies has an arrow from each.
        let isOneOfSeveral = graph.senders(of: receiver).count > 1
        let id = "\(step).\(receiver.rank).\(receiver.task)" + (isOneOfSeveral ? ".\(sender.rank)" : "")
        let (from, to) = (times.tasks[sender.rank][sender.task], times.tasks[receiver.rank][receiver.task])
        func event(_ phase: String, _ rank: Int, _ time: UInt64) -> TraceEvent {
            TraceEvent(
                ph: phase, tid: rank, ts: microseconds(time), id: id, bp: phase == "f" ? "e" : nil,
                name: "hand-off", cat: "hand-off")
        }
        return [event("s", sender.rank, from.end), event("f", receiver.rank, to.ready)]
    }

    // MARK: Counters

    private struct Change {
        let time: UInt64
        let by: Int
    }

    private var counters: [TraceEvent] {
        guard let plan else { return [] }
        let ranks = graph.tasks.indices.flatMap { rank in
            let standing = plan.standingActivationBytes(ofRank: rank)
            let start = standing > 0 ? [Change(time: origin, by: standing)] : []
            return counter(
                "rank \(rank) activation bytes", start + steps.flatMap { memory(rank, $0.figures.times, plan) }
            ) {
                TraceEvent.Arguments(bytes: $0)
            }
        }
        let edges = plan.edges.flatMap { edge in
            counter(name(edge, plan), steps.flatMap { fill(edge, $0.figures.times, plan) }) {
                TraceEvent.Arguments(items: $0)
            }
        }
        return ranks + edges
    }

    private func name(_ edge: Edge, _ plan: RunPlan) -> String {
        let isLocal = plan.schedule.rank(ofBothEnds: edge) != nil
        return "\(isLocal ? "local slots" : "ring") from stage \(edge.from) to \(edge.to)"
    }

    private func counter(
        _ name: String, _ changes: [Change], _ arguments: (Int) -> TraceEvent.Arguments
    ) -> [TraceEvent] {
        var value = 0
        return changes.sorted { $0.time < $1.time }.map { change in
            value += change.by
            return TraceEvent(ph: "C", ts: microseconds(change.time), name: name, args: arguments(value))
        }
    }

    private func memory(_ rank: Int, _ times: StepTimes, _ plan: RunPlan) -> [Change] {
        zip(graph.tasks[rank], times.tasks[rank]).flatMap { task, times -> [Change] in
            guard case .action(let action) = task else { return [] }
            let stage = plan.stages[action.stage]
            let (bytes, kept) = (stage.activationBytes, stage.gradientBytes)
            let ends = plan.schedule.ends(action)
            return switch action.kind {
            case .forward: [Change(time: times.ready, by: bytes)] + (ends ? [Change(time: times.end, by: -bytes)] : [])
            case .backward: [Change(time: times.end, by: -bytes)]
            case .backwardInput: [Change(time: times.ready, by: kept)]
            case .backwardWeights: [Change(time: times.end, by: -bytes - kept)]
            }
        }
    }

    /// An item is on the edge from its hand-off until its receiver has done with the microbatch.
    private func fill(_ edge: Edge, _ times: StepTimes, _ plan: RunPlan) -> [Change] {
        graph.order.flatMap { node -> [Change] in
            guard case .action(let action) = graph.tasks[node.rank][node.task] else { return [] }
            let own = times.tasks[node.rank][node.task]
            let sends = edge.to > edge.from ? action.kind == .forward : action.kind.givesInputGradient
            var changes: [Change] = []
            if action.stage == edge.from && sends { changes.append(Change(time: own.sent, by: 1)) }
            if action.stage == edge.to && plan.schedule.ends(action) {
                changes.append(Change(time: own.end, by: -1))
            }
            return changes
        }
    }

    private func microseconds(_ time: UInt64) -> Double { microseconds(time, since: origin) }
    private func microseconds(_ time: UInt64, since start: UInt64) -> Double {
        Double(Int64(bitPattern: time &- start)) / 1000
    }
}

extension RankTask {
    /// The one of those that sum over copies which has that label; nil for others.
    init?(label: String, stage: Int) {
        let all: [RankTask] = [.share(stage: stage), .sum(stage: stage), .collect(stage: stage)]
        guard let task = all.first(where: { $0.label == label }) else { return nil }
        self = task
    }

    /// Short enough to stand inside a bar: `F0`. The stage is one of the event's arguments.
    var label: String {
        switch self {
        case .pack: "pack"
        case .action(let action): "\(action.kind.rawValue)\(action.microbatch)"
        case .share: "share"
        case .sum: "sum"
        case .collect: "collect"
        case .update: "update"
        }
    }
}
