// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// `ppthreads simulate`: what a run would take, before anything runs.
enum SimulateCommand {
    static var command: Command {
        Command(
            name: "simulate", summary: "predicts a run term by term, and how far its order is from the proven optimum",
            synopsis: """
                Usage: ppthreads simulate [flags]

                Says what `run` would measure of any order and any cut, without running it: the step and its terms, tokens/s, each
                rank's idle time and memory, a Gantt chart; beside the makespan, a time that no order of the same actions can beat.
                What tasks take comes from `ppthreads profile --out FILE` (--costs FILE), from a rate of matrix products
                (--flops 40G), or from times of stages: --forward 3ms, or 1ms,2ms,3ms for three; then there is no model. With --grid, a
                line for each order and size. Each rank has CPUs of its own unless --cpus says how many there are.
                """, flags: SimulateOptions.flags.map(\.text),
            terms: [.stage, .rank, .chunks, .microbatch, .makespan, .bound, .bubble, .inFlight, .handOff], run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        var options = SimulateOptions()
        try Flag.parse(arguments, SimulateOptions.flags, into: &options)
        try CommandError.refuse("--explain", options.explains, with: "--json", options.json)
        try options.checkGrid()
        try options.check(arguments)
        var files = CommandFiles()
        for input in options.inputs { try files.read(input.flag, input.path) }
        let outputs = [
            ("--svg", try files.write("--svg", options.svg)), ("--trace", try files.write("--trace", options.trace)),
            ("--csv", try files.write("--csv", options.csv)),
            ("--save-order", try files.write("--save-order", options.auto.save)),
        ]
        if options.json { try files.keepStandardOutput(for: "--json") }
        try options.open()
        let costs = try options.costs.map { path throws(CommandError) in try open(path, options) }
        let (text, written) = try report(options, costs)
        var attempts = Attempts("simulate")
        attempts.attempt { () throws(CommandError) in
            try files.report(options.explains ? text + Explanation(of: text).footer : text, isData: options.json)
        }
        for (flag, file) in outputs {
            guard let file, let text = written[flag] else { continue }
            attempts.write { () throws(DataError) in try file.write(text: text) }
        }
        try attempts.finish()
    }

    private static func open(_ path: String, _ options: SimulateOptions) throws(CommandError) -> CostsFile {
        let file = try readingData { () throws(DataError) in try CostsFile(path: path) }
        if options.anyMachine { return file }
        let here: MachineName
        do throws(RunError) { here = try Profile.machine() } catch { throw error.commandError }
        if here != file.machine {
            throw CommandError(
                code: .usage,
                message:
                    "--costs: \(path.visible) was measured on \(file.machine), and this is \(here); --any-machine takes it all the same"
            )
        }
        return file
    }

    /// What is printed, and what is written for flags.
    private static func report(
        _ options: SimulateOptions, _ file: CostsFile?
    ) throws(CommandError) -> (text: String, written: [String: String]) {
        let origin = options.origin(file)
        if options.grid {
            let grid = try SimulationGrid(options, file, origin: origin)
            return (options.json ? try JSONText.encode(grid.rows) : grid.text, ["--csv": grid.csv])
        }
        let (run, notes) = try simulated(options, file)
        let text =
            options.json
            ? try JSONText.encode(
                SimulationJSON(run, efficiency: run.efficiency, origin: origin, notes: notes))
            : SimulationTable(run, options, origin: origin, notes: notes).text
        return (text, try written(run, options))
    }

    /// The run that is asked for, and what is to be said of it.
    private static func simulated(
        _ options: SimulateOptions, _ file: CostsFile?
    ) throws(CommandError) -> (SimulatedRun, notes: [String]) {
        if options.auto.isAsked {
            let order = try options.searched(file)
            return (order.run, order.notes + options.notes(order.run))
        }
        let run = try options.simulate(
            try options.options(
                options.schedules[0], stages: options.stages?.first, microbatches: options.microbatches?.first,
                virtualStages: options.virtualStages?.first), file)
        return (run, options.notes(run))
    }

    private static func written(_ run: SimulatedRun, _ options: SimulateOptions) throws(CommandError) -> [String:
        String]
    {
        let order = ["--save-order": run.schedule.csv()]
        guard options.svg != nil || options.trace != nil else { return order }
        if run.first.graph.order.count > SimulationTable.tasksMost {
            throw CommandError(
                code: .usage,
                message:
                    "\(options.svg != nil ? "--svg" : "--trace"): a step of \(run.first.graph.order.count.grouped) tasks is not drawn; "
                    + "\(SimulationTable.tasksMost.grouped) at most")
        }
        let timed = run.timed
        var written = order.merging(["--trace": ChromeTrace(run, timed).text]) { $1 }
        if options.svg != nil { written["--svg"] = SimulationChart(run.first).svg }
        return written
    }
}

extension SimulatedRun {
    /// Of the same work on one rank, over P times the step.
    var efficiency: Double {
        costs.secondsOnOneRank(microbatches: schedule.microbatches) / (Double(schedule.ranks) * breakdown.step)
    }
}

extension SimulateOptions {
    /// Where the costs are from.
    func origin(_ file: CostsFile?) -> String {
        if let flops { return "\((flops / 1e9).plain) GFLOP/s of a rank for matrix products, and nothing else" }
        guard let file, let costs else { return "as given for each stage" }
        return "of \(costs.visible), measured on \(file.machine)"
    }

    /// What is to be said of a run: sentences without their ends.
    func notes(_ simulated: SimulatedRun) -> [String] {
        var notes = run.notes(of: schedules) + [simulated.schedule.remark].compactMap(\.self)
        let threads = simulated.plan?.configuration.threadsPerRank ?? 1
        if cpus == nil, costs != nil, let here = try? Profile.machine().cpus, here < simulated.schedule.ranks * threads
        {
            notes.append(
                "each rank has CPUs of its own here, and this machine has \(here): --cpus \(here) says what ranks that share them take"
            )
        }
        return notes
    }

    /// Refuses lists without `--grid`, and what a grid does not have.
    func checkGrid() throws(CommandError) {
        if grid {
            try CommandError.refuse("--svg", svg != nil, with: "--grid", true)
            try CommandError.refuse("--trace", trace != nil, with: "--grid", true)
            try CommandError.refuse("--save-order", auto.save != nil, with: "--grid", true)
            if auto.isAsked {
                throw CommandError(
                    code: .usage, message: "--schedule: auto searches for one order, and --grid tells of many")
            }
            return
        }
        if csv != nil { throw CommandError(code: .usage, message: "--csv: is of the lines of --grid") }
        let lists = [
            ("--schedule", schedules.count), ("--stages", stages?.count ?? 1),
            ("--microbatches", microbatches?.count ?? 1),
            ("--virtual-stages", virtualStages?.count ?? 1),
        ]
        if let list = lists.first(where: { $0.1 > 1 }) {
            throw CommandError(
                code: .usage, message: "\(list.0): one order of one size is simulated; --grid takes lists")
        }
    }
}
