// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// `ppthreads run`: trains a model through a pipeline and reports what was measured.
enum RunCommand {
    static var command: Command {
        Command(
            name: "run", summary: "trains a transformer through a pipeline and reports what it measured",
            synopsis: """
                Usage: ppthreads run [flags]

                Trains a transformer through a pipeline of pinned threads or forked processes and reports what was measured.
                Without flags: the reference workload (decoder 4L-4H, dim 240, vocabulary 10000, sequence 64, batch 8), 1F1B,
                P=2, M=4, threads.
                """, flags: RunOptions.flags.map(\.text),
            terms: [.stage, .rank, .chunks, .microbatch, .packing, .handOff, .asleep, .displaced, .stash, .inFlight],
            run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        var options = RunOptions()
        try Flag.parse(arguments, RunOptions.flags, into: &options)
        try options.checkReport()
        try options.network.intraNode.check(isFor: [options.transport])
        let outputs = try RunOutputs(options)
        try options.open([options.schedule], [options.partition])
        let plan = try options.plan()
        // What identifies a checkpoint is read before the run, which a file that is gone by its end would otherwise cost.
        let row = try readingData { () throws(DataError) in
            options.csv || options.json ? try ResultRow(plan, by: Version.program) : nil
        }
        var log = RunLog(of: plan)
        let result: RunResult
        do throws(CommandError) { result = try train(plan, &log) } catch {
            return try outputs.write(log, andThen: error)
        }
        log.complete(result)
        let stop = Signals.noted.map { stopped(result, by: $0) }
        try outputs.write(result, log, options, row, andThen: stop)
    }

    /// The first signal lets the step at hand be finished; a second one leaves at once.
    private static func train(_ plan: RunPlan, _ log: inout RunLog) throws(CommandError) -> RunResult {
        do throws(RunError) {
            defer { Terminal.progress("") }
            return try Signals.notingTheFirst { () throws(RunError) in try run(plan, &log) }
        } catch {
            throw error.commandError
        }
    }

    private static func run(_ plan: RunPlan, _ log: inout RunLog) throws(RunError) -> RunResult {
        var told = false
        var shown = -1
        return try plan.run { progress in
            if let step = progress.finished { log.add(step) }
            // Of the many steps that one look may tell of, the terminal gets a line.
            if progress.finished == nil || progress.step != shown {
                Terminal.progress(line(progress, log.steps.last, of: plan.configuration.steps))
                shown = progress.step
            }
            guard let signal = Signals.noted else { return .goOn }
            // A launcher says no more than SIGTERM when it ends a job because of somebody; who that was is told within a second.
            let isOfLauncher = plan.job != nil && signal == .terminate
            if !told && !isOfLauncher {
                Terminal.error("ppthreads run: \(signal): the step is finished first; a second signal leaves at once")
            }
            told = true
            return .stop
        }
    }

    private static func line(_ progress: RunProgress, _ last: FinishedStep?, of steps: Int) -> String {
        let loss = last.map { ", loss \(Double($0.loss).fixed(4))" } ?? ""
        let ranks = progress.stoppedRanks.map(String.init).joined(separator: ", ")
        let stopped = ranks.isEmpty ? "" : ", waiting: somebody has stopped rank \(ranks)"
        return "step \(progress.step + 1) of \(steps)\(loss)\(stopped)"
    }

    /// How a run ends that a signal has stopped, if only after its last step.
    private static func stopped(_ result: RunResult, by signal: StopSignal) -> CommandError {
        let (steps, all) = (result.steps, result.plan.configuration.steps)
        let figures =
            result.measuredSteps == 0
            ? ", within the warm-up: nothing was measured"
            : ": the figures are of \(counted(result.measuredSteps, "measured step"))"
        return CommandError(
            code: ExitCode(signal), message: "stopped by \(signal) after step \(steps) of \(all)\(figures)")
    }
}
