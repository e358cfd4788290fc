import FoundationEssentials
import Threads

/// The measured steps of a run as Chrome trace events, which Perfetto and `ppthreads trace` open: a track for each rank with
/// its tasks and waits, an arrow for each hand-off between ranks, counters for activation memory and for items on each edge.
///
/// Times are in microseconds from the first release. Format: the Trace Event Format's JSON object form.
public struct ChromeTrace {
    private let result: RunResult
    private let graph: TaskGraph
    private let steps: [(number: Int, times: StepTimes)]
    private let origin: UInt64

    /// - Parameter timed: what the run's timeline tells.
    public init(_ result: RunResult, _ timed: TimedFigures) {
        self.result = result
        graph = result.plan.graph
        steps = timed.steps.enumerated().map { (timed.firstStep + $0, $1.times) }
        origin = steps[0].times.released
    }

    /// The file, an event a line.
    public var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let events = names + steps.flatMap { tasks($0.number, $0.times) } + counters
        let lines = events.map { event in
            do { return String(decoding: try encoder.encode(event), as: UTF8.self) } catch {
                trap("an event that is no JSON: \(error)")
            }
        }
        return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n\(lines.joined(separator: ",\n"))\n]}\n"
    }

    private var names: [TraceEvent] {
        result.ranks.map { report in
            var event = TraceEvent(ph: "M", tid: report.rank, name: "thread_name")
            event.args = .init(name: "rank \(report.rank)")
            return event
        }
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
            (arguments.cpuUs, arguments.input) = (Double(own.cpu) / 1000, "\(own.inputWait)")
            let arrows = graph.senders[rank][node.task].map { arrow(step, $0, node, times) } ?? []
            return [span(rank, task.label, task.kind.rawValue, own.ready, own.end, arguments)] + waits + arrows
        }
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
        let id = "\(step).\(receiver.rank).\(receiver.task)"
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
        let ranks = graph.tasks.indices.flatMap { rank in
            counter("rank \(rank) activation bytes", steps.flatMap { memory(rank, $0.times) }) {
                TraceEvent.Arguments(bytes: $0)
            }
        }
        let edges = result.plan.edges.flatMap { edge in
            counter(name(edge), steps.flatMap { fill(edge, $0.times) }) { TraceEvent.Arguments(items: $0) }
        }
        return ranks + edges
    }

    private func name(_ edge: Edge) -> String {
        let isLocal = result.plan.schedule.rank(ofBothEnds: edge) != nil
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

    private func memory(_ rank: Int, _ times: StepTimes) -> [Change] {
        zip(graph.tasks[rank], times.tasks[rank]).flatMap { task, times -> [Change] in
            guard case .action(let action) = task else { return [] }
            let bytes = result.plan.stages[action.stage].activationBytes
            var changes: [Change] = []
            if action.kind == .forward { changes.append(Change(time: times.ready, by: bytes)) }
            if result.plan.schedule.ends(action) { changes.append(Change(time: times.end, by: -bytes)) }
            return changes
        }
    }

    /// An item is on the edge from its hand-off until its receiver has done with the microbatch.
    private func fill(_ edge: Edge, _ times: StepTimes) -> [Change] {
        graph.order.flatMap { node -> [Change] in
            guard case .action(let action) = graph.tasks[node.rank][node.task] else { return [] }
            let own = times.tasks[node.rank][node.task]
            let sends = edge.to > edge.from ? action.kind == .forward : action.kind.givesInputGradient
            var changes: [Change] = []
            if action.stage == edge.from && sends { changes.append(Change(time: own.sent, by: 1)) }
            if action.stage == edge.to && result.plan.schedule.ends(action) {
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
    /// Short enough to stand inside a bar: `F0`. The stage is one of the event's arguments.
    fileprivate var label: String {
        switch self {
        case .pack: "pack"
        case .action(let action): "\(action.kind.rawValue)\(action.microbatch)"
        case .update: "update"
        }
    }
}
