// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What `ppthreads sweep` was asked for: a list for each setting that the grid varies, and what all runs have in common.
struct SweepOptions {
    /// Grids with a name, which other flags then change.
    enum Preset: String, CaseIterable { case none, reference }

    var preset = Preset.none
    var schedules = ScheduleKind.studied.map(ScheduleName.kind)
    var transports = [TransportKind.threads]
    var partitions = [PartitionName.uniform]
    private var stagesAskedFor: [Int]?
    var threads = [1]
    var layers = [4]
    var heads = [4]
    var dims = [240]
    var rates = [RunOptions().rate]
    var seeds = [RunOptions().seed]
    private var microbatchesAskedFor: [Int]?
    var replicas = [RunOptions().replicas]
    var leavesOutBaselines = false
    var repeats = 1
    var orderSeed = 0
    private var path: String?
    var isDry = false
    private var run = RunOptions()

    private init() { (run.warmup, run.measure) = (1, 3) }

    /// The grid of the reference study.
    private static var reference: SweepOptions {
        var options = SweepOptions()
        options.preset = .reference
        (options.layers, options.heads, options.stagesAskedFor) = ([4, 8, 12], [4, 8, 12], [2, 4])
        return options
    }

    /// Flags win over a preset, whichever comes first.
    init(_ arguments: [String]) throws(CommandError) {
        self.init()
        try Flag.parse(arguments, Self.flags, into: &self)
        if preset == .reference {
            self = .reference
            try Flag.parse(arguments, Self.flags, into: &self)
        }
        try run.network.intraNode.check(isFor: transports)
        try run.openData()
        try run.open(schedules, partitions)
        try run.checkFlags(areFor: schedules)
        let orders = schedules.paths.compactMap { run.scheduleFiles[$0]?.schedule }
        try orders.checkNames()
        // Baselines train, as the others do.
        if !run.forwardOnly { try orders.checkTrain() }
    }

    /// The file that all runs train on; nil for random tokens.
    var tokenFile: TokenFile? { run.tokenFile }
    var out: String { path ?? "results.csv" }
    var inputs: [(flag: String, path: String)] {
        run.inputs + schedules.paths.map { ("--schedule", $0) } + partitions.paths.map { ("--partition", $0) }
    }

    /// How many the grid has; the largest number there is for more than that.
    var combinationCount: Int {
        [
            layers.count, heads.count, dims.count, rates.count, seeds.count, threads.count, stagesAskedFor?.count ?? 1,
            microbatchesAskedFor?.count ?? 1, replicas.count, partitions.count, schedules.count, transports.count,
        ].reduce(1) { product, count in
            let (next, overflows) = product.multipliedReportingOverflow(by: count)
            return overflows ? .max : next
        }
    }

    /// Every combination, models outermost.
    var grid: [RunOptions] {
        [run].varied(\.model.layers, layers).varied(\.model.heads, heads).varied(\.model.dim, dims)
            .varied(\.rate, rates).varied(\.seed, seeds).varied(\.threads, threads)
            .varied(\.stagesAskedFor, stagesAskedFor ?? [nil]).varied(\.microbatchesAskedFor, by: microbatches)
            .varied(\.replicas, replicas).varied(\.partition, partitions).flatMap { options in
                schedules.map(options.under)
            }
            .varied(\.transport, transports)
    }

    /// What tells combinations of this grid apart, for a person.
    func title(_ options: RunOptions) -> String {
        options.title + (rates.count > 1 ? " lr \(options.rate)" : "")
            + (seeds.count > 1 ? " seed \(options.seed)" : "")
    }

    /// The reference study has M=4 at P=2 and M=8 at P=4.
    private func microbatches(of options: RunOptions) -> [Int?] {
        microbatchesAskedFor ?? [preset == .reference ? 2 * options.stages : nil]
    }
}

extension [RunOptions] {
    /// Each of them with each of the values.
    fileprivate func varied<Value>(_ setting: WritableKeyPath<RunOptions, Value>, _ values: [Value]) -> Self {
        varied(setting) { _ in values }
    }

    fileprivate func varied<Value>(
        _ setting: WritableKeyPath<RunOptions, Value>, by values: (RunOptions) -> [Value]
    ) -> Self {
        flatMap { options in
            values(options).map { value in
                var options = options
                options[keyPath: setting] = value
                return options
            }
        }
    }
}

extension SweepOptions {
    static var flags: [Flag<SweepOptions>] { gridFlags + sharedFlags + sweepFlags }

    private static let standard = SweepOptions()

    private static var gridFlags: [Flag<SweepOptions>] {
        [
            .choice(
                "--preset", set: \.preset, standard: standard,
                help: "grid to start from, which other flags change; reference is the reference study's"),
            .namesOrFiles("--schedule", set: \.schedules, standard: standard, help: "orders of work"),
            .choices(
                "--transport", set: \.transports, standard: standard,
                help: "who runs a rank, and how stages hand on"),
            .namesOrFiles("--partition", set: \.partitions, standard: standard, help: "how units are cut into stages"),
            .numbers(
                "--stages", "--procs", set: \.stagesAskedFor, in: Limits.stages,
                standard: "2, or a file's; reference: 2,4", help: "numbers of ranks"),
            .numbers(
                "--microbatches", set: \.microbatchesAskedFor, in: Limits.batch,
                standard: "4, or a file's; reference: 4 at P=2, 8 at P=4", help: "numbers of microbatches"),
            .numbers(
                "--replicas", set: \.replicas, in: Limits.replicas, standard: standard,
                help: "numbers of pipelines side by side, of P ranks and M microbatches each"),
            .numbers(
                "--threads", set: \.threads, in: Limits.threads, standard: standard,
                help: "numbers of threads that share a rank's work"),
            .numbers(
                "--n-layers", "--layers", set: \.layers, in: Limits.layers, standard: standard, help: "layers"),
            .numbers("--n-heads", "--heads", set: \.heads, in: Limits.heads, standard: standard, help: "heads"),
            .numbers("--dim", set: \.dims, in: Limits.dim, standard: standard, help: "columns of an activation"),
            .fromZero("--lr", set: \.rates, max: 1000, standard: standard, help: "learning rates"),
            .numbers(
                "--seed", set: \.seeds, in: 0...Int.max, standard: standard,
                help: "seeds of the parameters, random tokens and dropout"),
            .on(
                "--no-baseline", set: \.leavesOutBaselines,
                help: "leave out each model's run on one stage, which scaling efficiency is measured against"),
        ]
    }

    /// Flags of `run` that decide what all runs have in common.
    private static var sharedFlags: [Flag<SweepOptions>] {
        RunOptions.flags(
            [
                "--virtual-stages", "--group-size", "--waves", "--recompute", "--forward-only", "--no-timeline",
                "--pin", "--simd", "--gemm", "--intra-node", "--inject-link", "--inject-jitter", "--arch",
                "--ffn", "--vocab-size", "--seq-len", "--batch-size", "--optimizer", "--dropout",
                "--data", "--data-format", "--timeout",
            ], within: \.run)
    }

    private static var sweepFlags: [Flag<SweepOptions>] {
        [
            .number(
                "--warmup-steps", "--warmup", set: \.run.warmup, in: Limits.steps, standard: standard,
                help: "steps of each run before measuring"),
            .number(
                "--measure-steps", "--measure", set: \.run.measure, in: 1...10_000, standard: standard,
                help: "steps of each run that are measured"),
            .number(
                "--repeat", set: \.repeats, in: 1...1000, standard: standard,
                help: "runs of each combination, one in each round, in an order drawn anew for each round"),
            .number(
                "--order-seed", set: \.orderSeed, in: 0...Int.max, standard: standard, help: "of these orders"),
            .path(
                "--out", set: \.path, standard: standard.out,
                help: "CSV file to add a row to for each run; what it has is not run again"),
            .on("--dry-run", set: \.isDry, help: "list the runs, and what does not fit, and run nothing"),
        ]
    }
}
