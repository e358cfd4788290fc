import Pipeline

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
        let result = try train(configuration)
        try outputs.write(result, options)
    }

    private static func train(_ configuration: RunConfiguration) throws(CommandError) -> RunResult {
        do throws(RunError) {
            let plan = try RunPlan(configuration)
            defer { Terminal.progress("") }
            return try plan.run { step in Terminal.progress("step \(step + 1) of \(configuration.steps)") }
        } catch {
            throw error.commandError
        }
    }
}
