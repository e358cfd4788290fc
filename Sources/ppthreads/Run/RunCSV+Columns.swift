import FoundationEssentials
import Pipeline
import Threads

extension RunCSV {
    /// A column: its name, and what a row has in it.
    struct Column: Sendable {
        enum Kind: Sendable {
            /// Known before the run, and different for runs that are not the same.
            case setting(@Sendable (RunCSV) -> String)
            /// Empty when the run failed, or did not measure it.
            case figure(@Sendable (RunFigures) -> String?)
            /// What it was measured with.
            case circumstance(@Sendable (RunCSV) -> String)
        }

        let name: String
        let kind: Kind

        var isSetting: Bool { if case .setting = kind { true } else { false } }

        func text(_ run: RunCSV) -> String {
            switch kind {
            case .setting(let value), .circumstance(let value): value(run)
            case .figure(let value): run.figures.flatMap(value) ?? ""
            }
        }

        static func setting(_ name: String, _ value: @escaping @Sendable (RunCSV) -> String) -> Column {
            Column(name: name, kind: .setting(value))
        }

        static func figure(_ name: String, _ value: @escaping @Sendable (RunFigures) -> String?) -> Column {
            Column(name: name, kind: .figure(value))
        }

        static func circumstance(_ name: String, _ value: @escaping @Sendable (RunCSV) -> String) -> Column {
            Column(name: name, kind: .circumstance(value))
        }
    }

    /// Every column in order: the reference's come first, `error` last.
    static let columns = referenceColumns + ourSettings + ourFigures + terms + spread + circumstances

    /// The reference runner's columns, in its order and with its meanings: its tokens/s are over the mean step.
    private static let referenceColumns: [Column] = [
        .setting("schedule") { $0.options.schedule.rawValue },
        .setting("world_size") { String($0.options.stages) },
        .setting("layers") { String($0.options.model.layers) },
        .setting("heads") { String($0.options.model.heads) },
        .setting("hidden_dim") { String($0.options.model.dim) },
        .setting("seq_len") { String($0.options.model.sequenceLength) },
        .setting("batch_size") { String($0.options.batch) },
        .setting("microbatches") { String($0.options.microbatches) },
        .setting("threads") { String($0.options.threads) },
        .figure("avg_step_time_s") { String($0.steps.mean) },
        .figure("total_time_s") { String($0.steps.total) },
        .figure("tokens_per_s") { String(Double($0.tokensAStep) / $0.steps.mean) },
        .circumstance("timestamp") { _ in Date.now.formatted(.iso8601) },
    ]

    private static let ourSettings: [Column] = [
        .setting("transport") { $0.options.transport.rawValue },
        .setting("arch") { $0.options.model.architecture.rawValue },
        .setting("partition") { $0.options.partition.rawValue },
        .setting("recompute") { String($0.options.recompute) },
        .setting("forward_only") { String($0.options.forwardOnly) },
        .setting("virtual_stages") { String($0.configuration.schedule.stages / $0.configuration.schedule.ranks) },
        .setting("ffn") { String($0.options.model.hidden) },
        .setting("vocab_size") { String($0.configuration.model.vocabulary) },
        .setting("optimizer") { $0.options.optimizer.rawValue },
        .setting("simd") { $0.configuration.simd.rawValue },
        .setting("gemm") { $0.configuration.blas?.path ?? "builtin" },
        .setting("dropout") { String($0.options.dropout) },
        .setting("warmup_steps") { String($0.options.warmup) },
        // Fewer than were asked for when a signal has stopped the run.
        .setting("measure_steps") { String($0.figures?.result.measuredSteps ?? $0.options.measure) },
    ]

    private static let ourFigures: [Column] = [
        .figure("step_s_median") { String($0.steps.median) },
        .figure("step_s_min") { String($0.steps.min) },
        .figure("step_s_max") { String($0.steps.max) },
        .figure("loss") { String($0.result.loss) },
        .figure("peak_activation_bytes") { String($0.result.ranks.map(\.activationBytesPeak).max()!) },
    ]

    private static let terms: [Column] = Breakdown.Term.allCases.map { term in
        .figure("\(term.rawValue)_s") { figures in figures.breakdown.map { String($0[term]) } }
    }

    private static let spread: [Column] = [
        .figure("step_s_p25") { String($0.steps.quantile(0.25)) },
        .figure("step_s_p75") { String($0.steps.quantile(0.75)) },
        .figure("handoff_us") { figures in figures.handoffSeconds.map { String($0.median * 1e6) } },
        .figure("peak_in_flight") { String($0.result.ranks.map(\.inFlightPeak).max()!) },
    ]

    /// Nil when the system does not tell.
    static let machine = try? Machine.current()

    private static let circumstances: [Column] = [
        .setting("pin") { $0.options.pin.description },
        .setting("lr") { String($0.options.rate) },
        .setting("seed") { String($0.options.seed) },
        .setting("data") { $0.data },
        .setting("init") { $0.initial },
        .setting("timeline") { String(!$0.options.noTimeline) },
        .setting("repeat") { String($0.repetition) },
        .figure("tries") { String($0.tries) },
        .figure("disturbance") { figures in figures.disturbance.map { String($0.share) } },
        .circumstance("host") { _ in machine?.host ?? "" },
        .circumstance("cpu") { _ in machine?.cpuModel ?? "" },
        .circumstance("os_cpus") { _ in machine.map { String($0.topology.cpus.count) } ?? "" },
        .circumstance("version") { _ in Version.number },
        .circumstance("commit") { _ in Version.commit },
        .circumstance("format") { _ in "4" },
        .circumstance("error") { $0.error },
    ]
}
