// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// `ppthreads trace`: a trace drawn with letters.
enum TraceCommand {
    struct Options {
        var step: Int?
        var width: Int?
        var schedule: ScheduleName?

        static let standard = Options()
        static let widths = 20...OrderDrawing.widthMost
        static var flags: [Flag<Options>] {
            [
                .number(
                    "--step", set: \.step, in: 0...Limits.steps.upperBound * 2, standard: "the last one",
                    help: "step to draw; they count from 0, warm-up included"),
                .number(
                    "--width", set: \.width, in: Self.widths, standard: "what the terminal has room for, else 110",
                    help: "columns of the drawing"),
                .nameOrFile(
                    "--schedule", set: \.schedule, placeholder: "NAME",
                    help: "another order, in which to draw the step's tasks besides"),
            ]
        }
    }

    static var command: Command {
        Command(
            name: "trace", summary: "draws a step of a trace that run --trace wrote",
            synopsis: """
                Usage: ppthreads trace FILE [flags]

                Draws one step of a trace that `ppthreads run --trace FILE` wrote: a line for each rank, with forwards as F0===,
                backwards as B0### (I0 and W0 when they come apart), packing as p, the update as u, waits as dots, and as
                colons those that are for the rank that has the most work (imbalance). On a
                terminal a step whose names do not fit into its lines is drawn in several bands. With --schedule, besides, what
                another order of the same tasks would have made of the step.
                """, argument: .file, flags: Options.flags.map(\.text), run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        guard let path = arguments.first, !path.hasPrefix("-") else {
            throw CommandError(code: .usage, message: "a trace's file has to come first: ppthreads trace FILE [flags]")
        }
        var options = Options()
        try Flag.parse(Array(arguments.dropFirst()), Options.flags, into: &options)
        var files = CommandFiles()
        try files.read("FILE", path)
        if let path = options.schedule?.path { try files.read("--schedule", path) }
        let trace = try readingData { () throws(DataError) in try TraceFile(path: path) }
        let steps = trace.steps
        let step = options.step ?? steps.last!
        guard steps.contains(step) else {
            throw CommandError(
                code: .usage, message: "--step: \(step) is not in the trace; it has \(steps.first!) to \(steps.last!)")
        }
        let drawing = TraceDrawing(trace.spans.filter { $0.step == step }, ranks: trace.ranks)
        guard let name = options.schedule else {
            let canvas = options.canvas([drawing])
            return try Terminal.output(
                ["step \(step)"] + drawing.lines(canvas) + drawing.causeLines
                    + hint([drawing], canvas))
        }
        guard let tasks = TracedStep(trace, step: step) else {
            throw CommandError(
                code: .data,
                message:
                    "\(path.visible): step \(step) does not tell stage, microbatch and CPU time of each task, or lacks forwards, and --schedule needs them"
            )
        }
        let (title, spans) = try tasks.spans(under: name)
        let other = TraceDrawing(spans, ranks: trace.ranks)
        let canvas = options.canvas([drawing, other])
        try Terminal.output(
            ["step \(step)"] + drawing.lines(canvas) + drawing.causeLines
                + ["", "step \(step) as \(title): each task for as long as it had a CPU, hand-offs for nothing"]
                + other.lines(canvas) + hint([drawing, other], canvas)
                + ["", "\(Self.milliseconds(other)) as \(title), \(own(tasks))\(Self.milliseconds(drawing)) as it was"])
    }

    /// What the trace's own order makes of the same tasks: beside that the other one is to be held.
    private static func own(_ tasks: TracedStep) -> String {
        guard let spans = try? tasks.spans(under: tasks.recorded) else { return "" }
        return "\(milliseconds(TraceDrawing(spans, ranks: tasks.ranks))) in its own order likewise, "
    }

    /// How to read it, where actions are too short for their names.
    private static func hint(_ drawings: [TraceDrawing], _ canvas: TraceCanvas) -> [String] {
        drawings.allSatisfy { $0.partNamed(canvas) == 1 } ? [] : [OrderDrawing.signs]
    }

    private static func milliseconds(_ drawing: TraceDrawing) -> String { "\((drawing.length / 1000).fixed(2)) ms" }
}

extension TraceCommand.Options {
    /// On one scale for all: as wide as asked for, or as a terminal has room for, in bands that name every action.
    fileprivate func canvas(_ drawings: [TraceDrawing]) -> TraceCanvas {
        let scale = drawings.map(\.length).max()!
        if let width { return TraceCanvas(width: width, scale: scale) }
        guard let columns = Terminal.columns else { return TraceCanvas(width: 110, scale: scale) }
        let room = columns - drawings.map(\.columnsBeside).max()!
        let width = min(max(room, Self.widths.lowerBound), Self.widths.upperBound)
        return TraceCanvas(width: width, scale: scale, naming: drawings)
    }
}

extension TracedStep {
    /// The step in the order that a person names, which is made for the trace's sizes, and what that is called.
    fileprivate func spans(under name: ScheduleName) throws(CommandError) -> (title: String, [TraceFile.Span]) {
        var options = RunOptions()
        (options.schedule, options.stagesAskedFor, options.microbatchesAskedFor) = (name, ranks, microbatches)
        try options.open([name])
        if case .kind(let kind) = name {
            let virtualStages = stages / ranks
            if !kind.allows(virtualStages: virtualStages) {
                throw CommandError(
                    code: .usage,
                    message: "--schedule: the trace has \(counted(stages, "stage")) on \(counted(ranks, "rank")), and "
                        + "\(kind.rawValue) runs \(kind.stagesOfRank) of them a rank")
            }
            options.virtualStages = virtualStages
        }
        let order = if let file = options.scheduleFile { file.schedule } else { try options.order() }
        do throws(ScheduleError) {
            return (order.name, try spans(under: isForwardOnly ? order.forwardOnly() : order))
        } catch {
            throw CommandError(code: .usage, message: "--schedule: \(name.text): \(error)")
        }
    }
}
