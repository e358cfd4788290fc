// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// `ppthreads compare`: schedules and transports side by side, with where each step went.
enum CompareCommand {
    static var command: Command {
        Command(
            name: "compare", summary: "runs schedules and transports in turns and says where the time of a step goes",
            synopsis: """
                Usage: ppthreads compare [flags]

                Trains one model under several schedules and transports, in turns, and accounts for every step: work, unequal
                stages, the schedule's bubble, CPUs that are shared, hand-offs, the optimizer. Figures are medians over the trials
                with 95 % intervals, those of all ratios together, from 5 trials on; fewer are too few to tell a difference from
                none. A run that others disturbed is measured again, up to three times in all. Without flags: the reference
                workload (decoder 4L-4H, dim 240, vocabulary 10000, sequence 64, batch 8), GPipe, 1F1B and Interleaved-1F1B on
                threads and on processes, P=2, M=4; under two minutes on two cores.
                """, flags: CompareOptions.flags.map(\.text),
            terms: [
                .stage, .rank, .chunks, .microbatch, .overThreads, .overGPipe, .efficiency, .handOff, .asleep,
                .imbalance,
                .bubble, .oversubscription,
            ], run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        var options = CompareOptions()
        try Flag.parse(arguments, CompareOptions.flags, into: &options)
        try CommandError.refuse("--json", options.json, with: "--csv", options.csv)
        try CommandError.refuse("--explain", options.explains, with: "--csv", options.csv)
        try CommandError.refuse("--explain", options.explains, with: "--json", options.json)
        try CommandError.refuse("--predict", options.predicts, with: "--csv", options.csv)
        let (files, page) = try files(options)
        try options.open()
        let candidates = try options.candidates()
        let oneStage = try options.oneStage()
        // A checkpoint is read for its fingerprint before the runs, which one that is gone by their end would otherwise cost.
        let row = try readingData { () throws(DataError) in
            options.json ? try ResultRow(candidates[0].plan, by: Version.program) : nil
        }
        var profile = try options.predicts ? profile(candidates) : nil
        let figures = ComparisonFigures(try measure(candidates, oneStage, options))
        let prediction = try predict(figures, &profile)
        var attempts = Attempts("compare")
        attempts.attempt { () throws(CommandError) in
            try files.report(try report(figures, prediction, options, row), isData: options.json || options.csv)
        }
        if let page {
            attempts.attempt { () throws(CommandError) in
                let text = try ComparePage(figures, options, arguments: arguments).text
                try readingData { () throws(DataError) in try page.write(text: text) }
            }
        }
        try attempts.finish()
    }

    private static func files(_ options: CompareOptions) throws(CommandError) -> (CommandFiles, page: OutputFile?) {
        var files = CommandFiles()
        for input in options.inputs { try files.read(input.flag, input.path) }
        let page = try files.write("--html", options.page)
        if options.json { try files.keepStandardOutput(for: "--json") }
        if options.csv { try files.keepStandardOutput(for: "--csv") }
        return (files, page)
    }

    /// - Parameter row: for `--json`.
    private static func report(
        _ figures: ComparisonFigures, _ prediction: PredictedComparison?, _ options: CompareOptions, _ row: ResultRow?
    ) throws(CommandError) -> String {
        let rows = CompareRows(figures, orderNotes: options.orderNotes, expecting: options.expectedLink)
        if let row { return try rows.json(options, row, prediction) }
        if options.csv { return rows.csv }
        let hasCopies = figures.candidates.contains { $0.plan.schedule.copies > 1 }
        let text =
            CompareTable(figures, options).text
            + (prediction.map { "\n\n\(PredictionTable($0, hasCopies: hasCopies).text)" } ?? "")
        return options.explains ? text + Explanation(of: text).footer : text
    }

    /// What units and hand-offs take now.
    private static func profile(_ candidates: [Comparison.Candidate]) throws(CommandError) -> Profile {
        let transports = candidates.map(\.plan.configuration.transport)
        var others: [any Transport] = []
        for transport in transports.dropFirst() where !others.contains(where: { $0.name == transport.name }) {
            others.append(transport)
        }
        return try telling { () throws(RunError) in
            try Profile(candidates[0].plan.configuration, transports: others, rounds: 2)
        }
    }

    /// What was predicted, from units that are measured once more; nil where none were.
    private static func predict(
        _ figures: ComparisonFigures, _ profile: inout Profile?
    ) throws(CommandError) -> PredictedComparison? {
        guard profile != nil else { return nil }
        try telling { () throws(RunError) in try profile?.measure(rounds: 2) }
        let file = profile!.file
        return PredictedComparison(
            figures,
            costs: Dictionary(
                uniqueKeysWithValues: file.links.compactMap { link in
                    file.costs(transport: link.transport).map { (link.transport, $0) }
                }))
    }

    private static func telling<Value>(_ body: () throws(RunError) -> Value) throws(CommandError) -> Value {
        do throws(RunError) {
            defer { Terminal.progress("") }
            Terminal.progress("measuring what units take")
            return try body()
        } catch {
            throw error.commandError
        }
    }

    private static func measure(
        _ candidates: [Comparison.Candidate], _ oneStage: RunPlan, _ options: CompareOptions
    ) throws(CommandError) -> Comparison {
        do throws(RunError) {
            defer { Terminal.progress("") }
            return try Comparison(
                candidates, oneStage: oneStage, rounds: options.trials, seed: UInt64(options.seed)
            ) { done, all in Terminal.progress("run \(done + 1) of \(all)") }
        } catch {
            throw error.commandError
        }
    }
}
