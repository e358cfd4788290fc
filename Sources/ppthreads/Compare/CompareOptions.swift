// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What `ppthreads compare` was asked for. The defaults are the reference workload 4L-4H at P=2 and M=4.
struct CompareOptions {
    var schedules = ScheduleKind.studied.map(ScheduleName.kind)
    var transports: [TransportKind] = [.threads, .processes]
    var trials = 8
    var seed = 0
    var json = false
    var csv = false
    /// Whether what was measured is told beside what was predicted.
    var predicts = false
    var page: String?
    /// What all runs have in common.
    var run = CompareOptions.standardRun

    private static var standardRun: RunOptions {
        var run = RunOptions()
        (run.warmup, run.measure) = (2, 6)
        return run
    }

    private static let standard = CompareOptions()

    var explains = false

    static var flags: [Flag<CompareOptions>] {
        [
            .namesOrFiles("--schedule", set: \.schedules, standard: standard, help: "orders of work"),
            .choices(
                "--transport", set: \.transports, standard: standard, help: "who runs a rank and where memory lies"),
            .number(
                "--trials", set: \.trials, in: 1...1000, standard: standard,
                help: "runs of each combination, in turns, in an order drawn anew for each round"),
            .number("--order-seed", set: \.seed, in: 0...Int.max, standard: standard, help: "of these orders"),
            .number(
                "--warmup-steps", "--warmup", set: \.run.warmup, in: Limits.steps, standard: standard,
                help: "steps of each run before measuring"),
            .number(
                "--measure-steps", "--measure", set: \.run.measure, in: 1...10_000, standard: standard,
                help: "steps of each run that are measured; the one in the middle stands for the run"),
        ] + sharedFlags + [
            .on(
                "--predict", set: \.predicts,
                help:
                    "measure what units take before and after (profile), and tell each term as predicted from that beside the measured one"
            ),
            .explain(set: \.explains),
            .on("--json", set: \.json, help: "print one JSON object instead of the table"),
            .on("--csv", set: \.csv, help: "print a CSV header and rows instead of the table"),
            .path(
                "--html", set: \.page,
                help: "write the report as a page too: one file, no network (- is standard output)"),
        ]
    }

    /// Flags of `run` that decide what all runs have in common.
    private static var sharedFlags: [Flag<CompareOptions>] {
        RunOptions.flags(
            [
                "--stages", "--virtual-stages", "--microbatches", "--replicas", "--group-size", "--waves",
                "--intra-node", "--inject-link", "--inject-jitter", "--expect-link", "--partition",
                "--recompute", "--pin", "--threads",
                "--simd", "--gemm", "--arch", "--n-layers", "--n-heads", "--dim", "--ffn", "--vocab-size", "--seq-len",
                "--batch-size", "--optimizer", "--lr", "--dropout", "--seed", "--data", "--data-format", "--timeout",
            ], within: \.run)
    }

    /// Reads the files that all runs have in common.
    mutating func open() throws(CommandError) {
        try run.network.intraNode.check(isFor: transports)
        try run.openData()
        try run.open(schedules, [run.partition])
        try run.takeSizes(of: schedules)
        try run.checkFlags(areFor: schedules)
    }

    /// What is to be said of the schedules' files.
    var orderNotes: [String] { run.notes(of: schedules) }
    /// The link that is reckoned with, if one is.
    var expectedLink: LinkCost? { run.network.expected }

    /// Files that are read.
    var inputs: [(flag: String, path: String)] {
        run.inputs + schedules.paths.map { ("--schedule", $0) }
    }

    /// Every combination, schedule by schedule.
    func candidates() throws(CommandError) -> [Comparison.Candidate] {
        var candidates: [Comparison.Candidate] = []
        for schedule in schedules {
            for transport in transports {
                var options = run.under(schedule)
                options.transport = run.network.intraNode.applied(to: transport)
                candidates.append(Comparison.Candidate(transport: options.transport, plan: try options.plan()))
            }
        }
        return candidates
    }

    /// The same model without a pipeline.
    func oneStage() throws(CommandError) -> RunPlan { try run.oneStage.plan() }
}
