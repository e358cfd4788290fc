// SPDX-License-Identifier: Apache-2.0

import Pipeline
import Threads

/// `ppthreads plan`: the best ways to train a model on so many CPUs.
enum PlanCommand {
    struct Options {
        var run = RunOptions()
        var schedules = ScheduleKind.ofOneCopy.map(ScheduleName.kind)
        var microbatches, virtualStages: [Int]?
        var workers: Int?
        var memory: Int?
        var top = 5
        var check: Int?
        var trials = 5
        var rounds = 2
        var json = false

        static let standard = Options()

        static var flags: [Flag<Options>] {
            [
                .number(
                    "--workers", set: \.workers, in: 1...1024, standard: "the CPUs that there are",
                    help: "CPUs to plan for: ranks times threads of each"),
                .bytes("--memory", set: \.memory, help: "the most that a rank may hold, such as 200MiB"),
                .namesOrFiles("--schedule", set: \.schedules, standard: standard, help: "orders to choose from")
                    .withStandard("all of one copy"),
                .numbers(
                    "--microbatches", set: \.microbatches, in: Limits.batch, standard: "all that divide the batch",
                    help: "M to choose from"),
                .numbers(
                    "--virtual-stages", set: \.virtualStages, in: Limits.virtualStages, standard: "2",
                    help: "stages a rank to choose from, where an order leaves that choice"),
                .number("--top", set: \.top, in: 1...1000, standard: standard, help: "plans that are told"),
                .number(
                    "--check", set: \.check, in: 1...100, standard: "none",
                    help: "run so many of the best in turns, and say how the prediction did"),
                .number("--trials", set: \.trials, in: 1...1000, standard: standard, help: "runs of each with --check"),
                .number(
                    "--rounds", set: \.rounds, in: 1...1000, standard: standard,
                    help: "turns in which units are measured, for each M and number of threads"),
            ]
                + RunOptions.flags(
                    [
                        "--transport", "--arch", "--n-layers", "--n-heads", "--dim", "--ffn", "--vocab-size",
                        "--seq-len",
                        "--batch-size", "--simd", "--gemm", "--optimizer", "--dropout", "--seed", "--timeout",
                    ], within: \.run) + [
                    .on("--json", set: \.json, help: "print one JSON object instead of the table")
                ]
        }
    }

    static var command: Command {
        Command(
            name: "plan",
            summary: "looks for the fastest way to train a model on this machine, and checks it if asked to",
            synopsis: """
                Usage: ppthreads plan [flags]

                Works out every order x stages a rank x microbatches x cut x recomputing x threads a rank that a model and a number
                of CPUs leave, from what its units take here, and prints the best few with their terms, what a rank holds, how far each
                is from its proven bound, and the command that runs it. "No pipeline, but threads" is among them. With --check K the best K
                are run in turns, and what was predicted is set beside what was measured.
                """, flags: Options.flags.map(\.text),
            terms: [.stage, .rank, .chunks, .microbatch, .bound, .bubble, .imbalance], run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        var options = Options()
        try Flag.parse(arguments, Options.flags, into: &options)
        let space = try options.space()
        let runs = try plans(options, space)
        guard !runs.isEmpty else {
            let limit = options.memory.map { " in \(ByteCount($0)) a rank (--memory)" } ?? ""
            throw CommandError(code: .usage, message: "no order of these sizes fits\(limit)")
        }
        let check = try options.check.map { count throws(CommandError) in try measure(runs, count, options) }
        let table = PlanTable(runs, check, options)
        let files = CommandFiles()
        if options.json { try files.keepStandardOutput(for: "--json") }
        try files.report(options.json ? try JSONText.encode(table.rows) : table.text, isData: options.json)
    }

    private static func plans(_ options: Options, _ space: PlanSpace) throws(CommandError) -> [PlannedRun] {
        let base = try options.base()
        do throws(RunError) {
            defer { Terminal.progress("") }
            let transport = base.transport.name
            return try Planner(base, in: space) { configuration throws(RunError) in
                Terminal.progress(
                    "measuring units: \(counted(configuration.schedule.ranks, "rank")), \(counted(configuration.threadsPerRank, "thread")), M=\(configuration.schedule.microbatches)"
                )
                return try Profile(configuration, rounds: options.rounds).file.costs(transport: transport)!
            }.runs()
        } catch {
            throw error.commandError
        }
    }

    private static func measure(
        _ runs: [PlannedRun], _ count: Int, _ options: Options
    ) throws(CommandError) -> PlanCheck {
        do throws(RunError) {
            defer { Terminal.progress("") }
            return try PlanCheck(Array(runs.prefix(count)), rounds: options.trials) { done, all in
                Terminal.progress("run \(done + 1) of \(all)")
            }
        } catch {
            throw error.commandError
        }
    }
}

extension PlanCommand.Options {
    /// All that is not chosen.
    fileprivate func base() throws(CommandError) -> RunConfiguration {
        var own = run.under(.kind(.gpipe))
        (own.stagesAskedFor, own.microbatchesAskedFor) = (1, 1)
        return try own.configuration()
    }

    fileprivate func space() throws(CommandError) -> PlanSpace {
        let here: Int
        do throws(RunError) { here = try Profile.machine().cpus } catch { throw error.commandError }
        if let workers, workers > here {
            throw CommandError(
                code: .usage,
                message:
                    "--workers: there are \(counted(here, "CPU")) to measure on, and \(workers) are asked for; ppthreads simulate predicts more"
            )
        }
        var space = PlanSpace(workers: workers ?? here, batchSize: run.batch)
        space.memoryBytes = memory
        space.kinds = schedules.compactMap { if case .kind(let kind) = $0 { kind } else { nil } }
        if space.kinds.count < schedules.count {
            throw CommandError(
                code: .usage,
                message: "--schedule: plan chooses among orders that it can make for any size; a file has one")
        }
        if let kind = space.kinds.first(where: { $0.copies > 1 }) {
            throw CommandError(
                code: .usage, message: "--schedule: \(kind.rawValue) holds \(kind.copies) copies, and plan cuts for one"
            )
        }
        if let virtualStages { space.virtualStages = virtualStages }
        if let microbatches {
            if let wrong = microbatches.first(where: { run.batch % $0 != 0 }) {
                throw CommandError(
                    code: .usage, message: "--microbatches: \(wrong) do not divide a batch of \(run.batch)")
            }
            space.microbatches = microbatches
        }
        return space
    }
}
