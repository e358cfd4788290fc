import Pipeline

/// What `ppthreads run` writes, found and checked before the run: its report first, then each file, whatever became of the
/// others.
struct RunOutputs {
    private let files: CommandFiles
    private let weights: OutputFile?
    private let gradients: OutputFile?
    private let trace: OutputFile?

    init(_ options: RunOptions) throws(CommandError) {
        var files = CommandFiles()
        for input in options.inputs { try files.read(input.flag, input.path) }
        weights = try files.write("--save", options.save, over: "--init")
        gradients = try files.write("--save-grads", options.saveGradients)
        trace = try files.write("--trace", options.trace)
        if options.json { try files.keepStandardOutput(for: "--json") }
        if options.csv { try files.keepStandardOutput(for: "--emit-csv") }
        self.files = files
    }

    /// - Parameters:
    ///   - row: the run's, when its report is a row of a CSV.
    ///   - stop: how the run ends when a signal has stopped it: then there may be nothing measured.
    func write(
        _ result: RunResult, _ options: RunOptions, _ row: RunCSV?, andThen stop: CommandError?
    ) throws(CommandError) {
        var attempts = Attempts("run")
        if result.measuredSteps > 0 {
            attempts.attempt { () throws(CommandError) in
                try files.report(try report(result, options, row), isData: options.json || options.csv)
            }
        }
        writeFiles(result, &attempts)
        try attempts.finish(stop)
    }

    private func writeFiles(_ result: RunResult, _ attempts: inout Attempts) {
        if let weights { attempts.write { () throws(DataError) in try result.weights?.write(to: weights) } }
        if let gradients { attempts.write { () throws(DataError) in try result.gradients?.write(to: gradients) } }
        if let trace, result.measuredSteps > 0 {
            attempts.write { () throws(DataError) in try trace.write(text: ChromeTrace(result).text) }
        }
    }

    private func report(
        _ result: RunResult, _ options: RunOptions, _ row: RunCSV?
    ) throws(CommandError) -> String {
        if options.json { return try RunJSON(options, result).text() }
        return row?.measured(result).text ?? RunTable(options, result).text
    }
}
