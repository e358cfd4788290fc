// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What `ppthreads run` writes, found and checked before the run: its report first, then each file, whatever became of the
/// others.
struct RunOutputs {
    private let files: CommandFiles
    private let weights: OutputFile?
    private let gradients: OutputFile?
    private let trace: OutputFile?
    private let log: OutputFile?

    init(_ options: RunOptions) throws(CommandError) {
        var files = CommandFiles()
        for input in options.inputs { try files.read(input.flag, input.path) }
        weights = try files.write("--save", options.save, over: "--init")
        gradients = try files.write("--save-grads", options.saveGradients)
        trace = try files.write("--trace", options.trace)
        log = try files.write("--log", options.log)
        if options.json { try files.keepStandardOutput(for: "--json") }
        if options.csv { try files.keepStandardOutput(for: "--emit-csv") }
        self.files = files
    }

    /// - Parameters:
    ///   - row: the run's, without figures yet, when its report is a row of a CSV or JSON.
    ///   - stop: how the run ends when a signal has stopped it: then there may be nothing measured.
    func write(
        _ result: RunResult, _ log: RunLog, _ options: RunOptions, _ row: ResultRow?, andThen stop: CommandError?
    ) throws(CommandError) {
        var attempts = Attempts("run")
        let figures = result.measuredSteps > 0 ? RunFigures(result) : nil
        if let figures {
            attempts.attempt { () throws(CommandError) in
                try files.report(try report(row, figures, options), isData: options.json || options.csv)
            }
        }
        if let weights {
            attempts.write { () throws(DataError) in try result.weights?.write(to: weights, as: options.saveType) }
        }
        if let gradients { attempts.write { () throws(DataError) in try result.gradients?.write(to: gradients) } }
        if let trace, let timed = figures?.timed {
            attempts.write { () throws(DataError) in try trace.write(text: ChromeTrace(result, timed).text) }
        }
        write(log, in: &attempts)
        try attempts.finish(stop)
    }

    /// Of a run that has failed: what was seen of its steps.
    func write(_ log: RunLog, andThen failure: CommandError) throws(CommandError) {
        var attempts = Attempts("run")
        write(log, in: &attempts)
        try attempts.finish(failure)
    }

    private func write(_ log: RunLog, in attempts: inout Attempts) {
        if let file = self.log { attempts.write { () throws(DataError) in try file.write(text: log.text) } }
    }

    private func report(
        _ row: ResultRow?, _ figures: RunFigures, _ options: RunOptions
    ) throws(CommandError) -> String {
        let notes = RunNotes(figures, options)
        guard let row = row?.measured(figures) else {
            let text = RunTable(figures, notes, memory: options.memory).text
            return options.explains ? text + Explanation(of: text).footer : text
        }
        return options.csv ? row.text : try RunJSON(row, figures, notes).text()
    }
}
