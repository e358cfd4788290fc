// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// `ppthreads sweep`: a grid of runs into one CSV file.
enum SweepCommand {
    static var command: Command {
        Command(
            name: "sweep", summary: "runs a grid of models, schedules and transports into one CSV file",
            synopsis: """
                Usage: ppthreads sweep [flags]

                Runs every combination of the settings that are given as lists, and each of the models on one stage, and adds
                a row to a CSV file for each run that ends. Started again, it goes on where it was stopped. Combinations that
                make no sense are listed first. A run that others disturbed is measured again, up to three times in all. With
                --preset reference: the reference study's grid, 54 combinations and 18 runs on one stage.
                """, flags: SweepOptions.flags.map(\.text), run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        let options = try SweepOptions(arguments)
        if !options.isDry { try checkFiles(options) }
        if let file = options.tokenFile { tell(of: file) }
        let plan = try SweepPlan(options)
        if options.isDry { try list(plan, options) } else { list(plan.misfits) }
        if plan.runs.isEmpty {
            throw CommandError(
                code: .usage, message: "none of \(counted(plan.misfits.count, "combination")) fits together")
        }
        if !options.isDry { try sweep(plan, options) }
    }

    private static func checkFiles(_ options: SweepOptions) throws(CommandError) {
        if options.out == "-" {
            throw CommandError(
                code: .usage,
                message: "--out: a sweep reads its file too, to go on with it; give a file's path, not '-'")
        }
        var files = CommandFiles()
        for input in options.inputs { try files.read(input.flag, input.path) }
        try files.grow("--out", options.out)
    }

    // MARK: What there is to do

    private static func tell(of file: TokenFile) {
        Terminal.error("data    \(file.summary)")
        for note in file.notes { Terminal.error("note: \(note)") }
    }

    private static func line(_ misfit: SweepPlan.Misfit) -> String {
        "no fit  \(misfit.title): \(misfit.reason)"
    }

    private static func list(_ misfits: [SweepPlan.Misfit]) {
        for misfit in misfits { Terminal.error(line(misfit)) }
    }

    private static func list(_ plan: SweepPlan, _ options: SweepOptions) throws(CommandError) {
        for run in plan.runs { try Terminal.output("run     \(run.title)") }
        for misfit in plan.misfits { try Terminal.output(line(misfit)) }
        let products = plan.runs.reduce(0) { $0 + $1.plan.productFLOPs * Double($1.plan.configuration.steps) }
        let teraFLOP = (products * Double(options.repeats) / 1e12).fixed(2)
        try Terminal.output(
            "\(counted(plan.runs.count * options.repeats, "run")) with \(teraFLOP) TFLOP of matrix products; "
                + misfits(plan))
    }

    private static func misfits(_ plan: SweepPlan) -> String {
        counted(plan.misfits.count, "combination does not fit", "combinations do not fit")
    }

    // MARK: Doing it

    private static func sweep(_ plan: SweepPlan, _ options: SweepOptions) throws(CommandError) {
        var file = JobOfProgram.isFollower ? nil : try SweepFile(path: options.out)
        let turns = plan.turns(rounds: options.repeats, seed: options.orderSeed)
        // Processes of a job do the same runs, whatever each would find at that path on its host.
        let missing = try ofFirst(file.map { file in turns.indices.filter { !file.contains(turns[$0].row) } } ?? [])
            .map { turns[$0] }
        let name = options.out.visible
        let shown = name.count > 100 ? "...\(name.suffix(97))" : name
        Signals.setRemark("; \(shown) has the runs that have ended, and the same command goes on from there")
        var progress = SweepProgress(missing)
        for turn in missing {
            let row = try run(turn, progress)
            if file != nil { try add(row, to: &file!) }
            progress.finish(turn)
            try report(turn, row)
            if unsafe !JobOfProgram.isWhole {
                throw CommandError(
                    code: .failed,
                    message:
                        "not all processes answer any more; \(shown) has the runs that have ended, and the same command goes on from there"
                )
            }
        }
        guard let file else { return }
        let endings = turns.compactMap { file.ending(of: $0.row) }
        for note in SweepNotes(endings, of: options.out).lines { try Terminal.output("note: \(note)") }
        let failed = endings.count(where: \.hasFailed)
        let summary =
            "\(counted(turns.count, "run")), \(failed) of them failed, \(turns.count - missing.count) were there before; "
            + "\(misfits(plan)); \(options.out)"
        if failed > 0 { throw CommandError(code: .failed, message: summary) }
        try Terminal.output(summary)
    }

    private static func ofFirst(_ indices: [Int]) throws(CommandError) -> [Int] {
        do throws(JobError) { return try JobOfProgram.ofFirst(indices) } catch {
            throw CommandError(code: .failed, message: error.description)
        }
    }

    /// A row that cannot be added to the file is written to standard output, so that it is not lost.
    private static func add(_ row: ResultRow, to file: inout SweepFile) throws(CommandError) {
        do throws(CommandError) { try file.append(row) } catch {
            try Terminal.output(row.line)
            throw CommandError(
                code: error.code, message: "\(error.message); the row of the run that has ended is on standard output")
        }
    }

    /// - Throws: when it is not this run alone that cannot be done.
    private static func run(_ turn: SweepPlan.Turn, _ progress: SweepProgress) throws(CommandError) -> ResultRow {
        defer { Terminal.progress("") }
        let outcome = Result { () throws(RunError) in
            try Quietest(disturbance: \.disturbance) { attempt throws(RunError) in
                RunFigures(
                    try turn.run.plan.run {
                        Terminal.progress(progress.line(turn, step: $0.step, attempt: attempt))
                        return .goOn
                    })
            }
        }
        if case .failure(let error) = outcome {
            guard case .failed = error else { throw error.commandError }
        }
        return turn.row.ended(outcome)
    }

    private static func report(_ turn: SweepPlan.Turn, _ row: ResultRow) throws(CommandError) {
        if let figures = row.figures {
            let speed = figures.tokensPerSecond.grouped.paddedLeft(to: 8)
            try Terminal.output("\(speed) tokens/s  \(turn.run.title)\(tries(figures))\(lost(figures))")
        } else {
            try Terminal.output("  FAILED           \(turn.run.title): \(row.error)")
        }
    }

    /// What a run lost whose ranks have less than their CPUs: nothing is measured again for that.
    private static func lost(_ figures: RunFigures) -> String {
        guard !figures.result.plan.placement.ownsAllCPUs, let timed = figures.timed else { return "" }
        let share = timed.breakdown.share(.oversubscription)
        return share > Disturbance.limit
            ? "; ranks have less than a CPU each: \(share.percent) of the step is oversubscription" : ""
    }

    /// Nothing about a run that was measured once.
    private static func tries(_ figures: RunFigures) -> String {
        guard figures.tries > 1, let disturbance = figures.disturbance else { return "" }
        let state = disturbance.isTooMuch ? "DISTURBED" : "the last one was quiet"
        let share = (disturbance.share * 100).fixed(1)
        return "; measured \(figures.tries) times, \(state): others had its CPUs for \(share) % of the step"
    }
}

/// How far a sweep is, and how long the rest will take if it goes on like this.
package struct SweepProgress {
    private let start = Clock.now()
    private var lastEnd = Clock.now()
    private let runs: Int
    private let load: Double
    private var runsDone = 0
    private var loadDone = 0.0

    init(_ turns: [SweepPlan.Turn]) {
        runs = turns.count
        load = turns.reduce(0) { $0 + $1.run.load }
    }

    mutating func finish(_ turn: SweepPlan.Turn) {
        lastEnd = Clock.now()
        runsDone += 1
        loadDone += turn.run.load
    }

    /// - Parameter attempt: counts from 1; the others follow tries that were disturbed.
    func line(_ turn: SweepPlan.Turn, step: Int, attempt: Int) -> String {
        let attempts = attempt > 1 ? ", try \(attempt) of a run that was disturbed" : ""
        return "run \(runsDone + 1) of \(runs)\(attempts), step \(step + 1) of "
            + "\(turn.run.plan.configuration.steps)\(rest)"
    }

    private var rest: String {
        Self.rest(
            load: load, loadDone: loadDone, seconds: Double(lastEnd - start) / 1e9,
            since: Double(Clock.now() - lastEnd) / 1e9)
    }

    /// Nothing before the first run has ended.
    /// - Parameters:
    ///   - seconds: what the load that is done took.
    ///   - since: what has passed since.
    package static func rest(load: Double, loadDone: Double, seconds: Double, since: Double) -> String {
        if loadDone == 0 { return "" }
        let afterLastEnd = seconds * (load - loadDone) / loadDone
        let seconds = max(0, afterLastEnd - since)
        return seconds < 100 ? ", about \(seconds.fixed(0)) s left" : ", about \((seconds / 60).fixed(0)) min left"
    }
}
