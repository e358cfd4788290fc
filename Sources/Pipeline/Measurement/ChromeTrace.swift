import Threads

/// The measured steps of a run as Chrome trace events, which Perfetto and `ppthreads trace` open: a track for each rank with
/// its tasks and waits, an arrow for each hand-off, counters for activation memory and for items in each ring.
///
/// Times are in microseconds from the first release. Format: the Trace Event Format's JSON object form.
public struct ChromeTrace {
    private let result: RunResult
    private let graph: TaskGraph
    private let steps: [(number: Int, times: StepTimes)]
    private let origin: UInt64

    /// - Parameter result: with a timeline.
    public init(_ result: RunResult) {
        self.result = result
        graph = result.plan.graph
        steps = result.timedSteps.map { ($0, result.times(ofStep: $0)) }
        origin = steps[0].times.released
    }

    public var text: String {
        let events = names + steps.flatMap { self.tasks($0.number, $0.times) } + counters
        return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n" + events.joined(separator: ",\n") + "\n]}\n"
    }

    private var names: [String] {
        result.ranks.map { report in
            #"{"ph":"M","pid":0,"tid":\#(report.rank),"name":"thread_name","args":{"name":"rank \#(report.rank)"}}"#
        }
    }

    // MARK: Tasks

    private func tasks(_ step: Int, _ times: StepTimes) -> [String] {
        graph.order.flatMap { place -> [String] in
            let task = graph.tasks[place.rank][place.task]
            let own = times.tasks[place.rank][place.task]
            var events = [
                span(place.rank, task.label, task.kind.rawValue, own.ready, own.end, arguments(step, task, own))
            ]
            if own.received > own.begin {
                events.append(span(place.rank, "no input", "wait", own.begin, own.received, #""step":\#(step)"#))
            }
            if own.roomWait != .ready {
                events.append(span(place.rank, "no room", "wait", own.received, own.ready, #""step":\#(step)"#))
            }
            if let sender = graph.senders[place.rank][place.task] { events += arrow(step, sender, place, times) }
            return events
        }
    }

    private func span(
        _ rank: Int, _ name: String, _ category: String, _ start: UInt64, _ end: UInt64, _ arguments: String
    ) -> String {
        #"{"ph":"X","pid":0,"tid":\#(rank),"ts":\#(microseconds(start)),"dur":\#(microseconds(end, since: start)),"#
            + #""name":"\#(name)","cat":"\#(category)","args":{\#(arguments)}}"#
    }

    private func arguments(_ step: Int, _ task: RankTask, _ times: TaskTimes) -> String {
        var text = #""step":\#(step),"cpu_us":\#(Double(times.cpu) / 1000),"input":"\#(times.inputWait)""#
        if let stage = task.stage { text += #","stage":\#(stage)"# }
        if case .action(let action) = task { text += #","microbatch":\#(action.microbatch)"# }
        return text
    }

    /// From the end of the sender's work to the start of the receiver's.
    private func arrow(
        _ step: Int, _ sender: TaskGraph.Place, _ receiver: TaskGraph.Place, _ times: StepTimes
    ) -> [String] {
        let id = "\(step).\(receiver.rank).\(receiver.task)"
        let (from, to) = (times.tasks[sender.rank][sender.task], times.tasks[receiver.rank][receiver.task])
        func event(_ phase: String, _ rank: Int, _ time: UInt64) -> String {
            #"{\#(phase),"pid":0,"tid":\#(rank),"ts":\#(microseconds(time)),"id":"\#(id)","name":"hand-off","cat":"hand-off"}"#
        }
        return [
            event(#""ph":"s""#, sender.rank, from.end), event(#""ph":"f","bp":"e""#, receiver.rank, to.ready),
        ]
    }

    // MARK: Counters

    private struct Change {
        let time: UInt64
        let by: Int
    }

    private var counters: [String] {
        let ranks = graph.tasks.indices.flatMap { rank in
            counter("rank \(rank) activation bytes", "bytes", steps.flatMap { memory(rank, $0.times) })
        }
        let rings = result.plan.edges.flatMap { edge in
            counter("ring from stage \(edge.from) to \(edge.to)", "items", steps.flatMap { fill(edge, $0.times) })
        }
        return ranks + rings
    }

    private func counter(_ name: String, _ unit: String, _ changes: [Change]) -> [String] {
        var value = 0
        return changes.sorted { $0.time < $1.time }.map { change in
            value += change.by
            return
                #"{"ph":"C","pid":0,"ts":\#(microseconds(change.time)),"name":"\#(name)","args":{"\#(unit)":\#(value)}}"#
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

    /// An item is in the ring from its hand-off until its receiver has done with the microbatch.
    private func fill(_ edge: Edge, _ times: StepTimes) -> [Change] {
        graph.order.flatMap { place -> [Change] in
            guard case .action(let action) = graph.tasks[place.rank][place.task] else { return [] }
            let own = times.tasks[place.rank][place.task]
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
