import Pipeline
import Threads

/// `ppthreads run`: trains a model through a pipeline and reports what was measured.
enum RunCommand {
    static var command: Command {
        Command(
            name: "run", summary: "trains a transformer through a pipeline and reports what it measured",
            help: helpText(
                """
                Usage: ppthreads run [flags]

                Trains a transformer through a pipeline of pinned threads or forked processes and reports what was measured.
                Without flags: the reference workload (decoder 4L-4H, dim 240, vocabulary 10000, sequence 64, batch 8), 1F1B,
                P=2, M=4, threads.
                """, RunOptions.flags), run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        var options = RunOptions()
        try Flag.parse(arguments, RunOptions.flags, into: &options)
        if options.json && options.csv {
            throw CommandError(code: .usage, message: "--json: cannot be given together with --emit-csv")
        }
        let outputs = try RunOutputs(options)
        let configuration = try options.configuration()
        // What identifies the data is read before the run, which a file that is gone by its end would otherwise cost.
        let row = options.csv ? try RunCSV(options, configuration) : nil
        let result = try train(configuration)
        let stop = result.steps < configuration.steps ? stopped(result, options) : nil
        try outputs.write(result, options, row, andThen: stop)
    }

    /// The first signal lets the step at hand be finished; a second one leaves at once.
    private static func train(_ configuration: RunConfiguration) throws(CommandError) -> RunResult {
        do throws(RunError) {
            let plan = try RunPlan(configuration)
            defer { Terminal.progress("") }
            Signals.noteTheFirst()
            var told = false
            return try plan.run { progress in
                Terminal.progress(line(progress, of: configuration.steps))
            } stopsEarly: {
                guard let signal = Signals.noted else { return false }
                if !told {
                    Terminal.error(
                        "ppthreads run: \(signal): the step is finished first; a second signal leaves at once")
                }
                told = true
                return true
            }
        } catch {
            throw error.commandError
        }
    }

    private static func line(_ progress: RunProgress, of steps: Int) -> String {
        let loss = progress.lastLoss.map { ", loss \(Double($0).fixed(4))" } ?? ""
        let ranks = progress.stoppedRanks.map(String.init).joined(separator: ", ")
        let stopped = ranks.isEmpty ? "" : ", waiting: somebody has stopped rank \(ranks)"
        return "step \(progress.step + 1) of \(steps)\(loss)\(stopped)"
    }

    /// How a run ends that a signal has stopped.
    private static func stopped(_ result: RunResult, _ options: RunOptions) -> CommandError {
        let all = result.plan.configuration.steps
        let signal = Signals.noted ?? .interrupt
        let figures =
            switch (result.steps, result.measuredSteps) {
            case (0, _): "before the first of \(all) steps was done: nothing was measured, and no file written"
            case (let steps, 0): "after step \(steps) of \(all), within the warm-up: nothing was measured"
            case (let steps, let measured):
                "after step \(steps) of \(all): the figures are of \(measured) measured step\(measured == 1 ? "" : "s")"
            }
        return CommandError(code: ExitCode(signal), message: "stopped by \(signal) \(figures)")
    }
}
