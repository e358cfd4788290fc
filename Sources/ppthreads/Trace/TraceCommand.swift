import Pipeline

/// `ppthreads trace`: a trace drawn with letters.
enum TraceCommand {
    struct Options {
        var step: Int?
        var width = 110

        static let standard = Options()
        static var flags: [Flag<Options>] {
            [
                .number(
                    "--step", set: \.step, in: 0...Limits.steps.upperBound * 2, standard: "the last one",
                    help: "step to draw; they count from 0, warm-up included"),
                .number("--width", set: \.width, in: 20...10_000, standard: standard, help: "columns of the drawing"),
            ]
        }
    }

    static var command: Command {
        Command(
            name: "trace", summary: "draws a step of a trace that run --trace wrote",
            help: helpText(
                """
                Usage: ppthreads trace FILE [flags]

                Draws one step of a trace that `ppthreads run --trace FILE` wrote: a line for each rank, with forwards as F0===,
                backwards as B0### (I0 and W0 when they come apart), packing as p, the update as u, waits as dots.
                """, Options.flags), run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        guard let path = arguments.first, !path.hasPrefix("-") else {
            throw CommandError(code: .usage, message: "a trace's file has to come first: ppthreads trace FILE [flags]")
        }
        var options = Options()
        try Flag.parse(Array(arguments.dropFirst()), Options.flags, into: &options)
        var files = CommandFiles()
        try files.read("FILE", path)
        let trace = try readingData { () throws(DataError) in try TraceFile(path: path) }
        let steps = trace.steps
        let step = options.step ?? steps.last!
        guard steps.contains(step) else {
            throw CommandError(
                code: .usage, message: "--step: \(step) is not in the trace; it has \(steps.first!) to \(steps.last!)")
        }
        try Terminal.output(TraceDrawing(trace, step: step, width: options.width).lines)
    }
}

/// One step of a trace, a line for each rank.
struct TraceDrawing {
    /// In their order in time, for each rank that has any.
    private let spans: [Int: [TraceFile.Span]]
    private let ranks: Int
    private let step: Int
    private let width: Int
    private let start: Double
    private let end: Double

    /// - Parameter step: one that the trace has.
    init(_ trace: TraceFile, step: Int, width: Int) {
        let drawn = trace.spans.filter { $0.step == step }.sorted { $0.start < $1.start }
        spans = Dictionary(grouping: drawn, by: \.rank)
        ranks = trace.ranks
        self.step = step
        self.width = width
        start = drawn[0].start
        end = drawn.map(\.end).max()!
    }

    var lines: [String] {
        let milliseconds = (end - start) / 1000
        let lines = (0..<ranks).map { rank in
            let own = spans[rank] ?? []
            let worked = own.filter { !$0.isWait }.reduce(0) { $0 + $1.duration }
            let share = end > start ? worked / (end - start) * 100 : 0
            return "rank \(rank)".padded(to: margin) + line(own) + "  at work \(share.fixed(0)) %"
        }
        let scale =
            "".padded(to: margin) + "0".padded(to: width - 10) + "\(milliseconds.fixed(2)) ms".paddedLeft(to: 10)
        return ["step \(step)"] + lines + [scale]
    }

    /// Columns of the ranks' names, and at least a blank behind the longest.
    private var margin: Int { max(9, "rank \(ranks - 1)".count + 1) }

    private func line(_ own: [TraceFile.Span]) -> String {
        var cells = Array(repeating: Character(" "), count: width)
        for span in own {
            let from = min(column(span.start), width - 1)
            let to = max(column(span.end), from + 1)
            let bar = Self.bar(span, columns: to - from)
            for (offset, character) in bar.enumerated() where from + offset < width { cells[from + offset] = character }
        }
        return String(cells)
    }

    /// Of a time that is within the step.
    private func column(_ time: Double) -> Int {
        end > start ? Int((time - start) / (end - start) * Double(width)) : 0
    }

    /// The name and then the kind's sign; the sign alone where the name does not fit.
    private static func bar(_ span: TraceFile.Span, columns: Int) -> String {
        let kind = RankTask.Kind(rawValue: span.category)
        let (character, isNamed): (Character, Bool) =
            switch kind {
            case .forward: ("=", true)
            case .backward, .backwardInput: ("#", true)
            case .backwardWeights: ("+", true)
            case .packing: ("p", false)
            case .update: ("u", false)
            case nil: (span.isWait ? "." : "?", false)
            }
        let sign = String(repeating: character, count: columns)
        let name = span.name.visible
        return isNamed && name.count <= columns ? name + sign.dropFirst(name.count) : sign
    }
}
