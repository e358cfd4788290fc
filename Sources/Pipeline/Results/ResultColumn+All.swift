// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SharedTensor

extension ResultColumn {
    /// Every column in order: the reference runner's come first, `error` last.
    public static let all: [ResultColumn] =
        referenceColumns + settings + steps + terms + spread + columnsOfFormat4 + rates + memory + origin

    /// The reference runner's columns, in its order and with its meanings: its tokens/s are over the mean step.
    private static let referenceColumns: [ResultColumn] = [
        .setting(
            "schedule", read: .name, required: true,
            oneOf(ScheduleKind.allCases)
                + "; or a file's name and a fingerprint of its order (64-bit FNV-1a of it as a CSV of computations)"
        ) { .text($0.schedule) },
        .setting(
            "world_size", or: "Processes", json: "stages", read: .count(from: 1), required: true,
            "P, ranks, over all replicas"
        ) {
            .count($0.plan.schedule.ranks)
        },
        .setting("layers", read: .count(from: 1), required: true, "transformer layers") { .count($0.model.layers) },
        .setting("heads", read: .count(from: 1), required: true, "attention heads") {
            $0.model.spec.map { .count($0.heads) }
        },
        .setting("hidden_dim", json: "dim", read: .count(from: 1), "columns of an activation (`--dim`)") {
            $0.model.spec.map { .count($0.dim) }
        },
        .setting("seq_len", read: .count(from: 1), unit: "tokens", "tokens a sequence") {
            .count($0.model.sequenceLength)
        },
        .setting("batch_size", read: .count(from: 1), unit: "sequences", "sequences a step") {
            .count($0.configuration.batchSize)
        },
        .setting("microbatches", read: .count(from: 1), "M, over all replicas") {
            .count($0.plan.schedule.microbatches)
        },
        .setting("threads", read: .count(from: 1), "threads a rank") { .count($0.configuration.threadsPerRank) },
        .figure(
            "avg_step_time_s", or: "Average Step Time (s)", json: "step_s_mean", read: .measure, required: true,
            unit: "s",
            "the mean measured step"
        ) { .number($0.steps.mean) },
        // The JSON's `total_s` is the whole run's.
        .figure(
            "total_time_s", or: "Total Time (s)", json: "", read: .measure, unit: "s", "the sum of the measured steps"
        ) { .number($0.steps.total) },
        // The JSON's is over the median step.
        .figure(
            "tokens_per_s", or: "Tokens per Second", json: "", read: .measure, required: true, unit: "1/s",
            "tokens of a step over the mean step"
        ) { .number($0.tokensPerMeanSecond) },
        .remark("timestamp", "when the run ended, UTC, ISO 8601") { _ in .text(Date.now.formatted(.iso8601)) },
    ]

    private static let settings: [ResultColumn] = [
        .setting("transport", read: .name, oneOf(TransportKind.allCases)) { .text($0.configuration.transport.name) },
        .setting("arch", read: .name, oneOf(Architecture.allCases)) {
            $0.model.spec.map { .text($0.architecture.rawValue) }
        },
        .setting("partition", read: .text, "`uniform`, `balanced`, or the layout that was given") {
            if case .kind(let kind) = $0.configuration.partition { .text(kind.rawValue) } else { .text($0.plan.layout) }
        },
        .setting("recompute", read: .name, "`true` with `--recompute`") { .truth($0.configuration.recomputes) },
        .setting("forward_only", read: .name, "`true` with `--forward-only`") {
            .truth($0.plan.schedule.isForwardOnly)
        },
        .setting("virtual_stages", read: .count(from: 1), "v, stages a rank") {
            .count($0.plan.schedule.virtualStages)
        },
        .setting("group_size", read: .count(from: 1), "N (`--group-size`); empty for the order's own choice") {
            $0.plan.schedule.groupSize.map { .count($0) }
        },
        .setting("replicas", read: .count(from: 2), "R (`--replicas`); empty for one") {
            $0.plan.schedule.replicas > 1 ? .count($0.plan.schedule.replicas) : nil
        },
        .setting(
            "injected_link", read: .name,
            "`--inject-link` and `--inject-jitter`, as in `2ms,1000mbit` and `2ms,1000mbit+0.5ms`; empty without"
        ) {
            $0.configuration.transport.injectedLink.map { .text($0.description) }
        },
        .setting("ffn", read: .count(from: 1), "columns inside the feed-forward") {
            $0.model.spec.map { .count($0.hidden) }
        },
        .setting("vocab_size", read: .count(from: 1), "tokens there are") { .count($0.model.vocabulary) },
        .setting("optimizer", read: .name, "`adam` or `sgd`") { .text($0.configuration.optimizer.name) },
        .setting("simd", read: .name, "vector level of the kernels") { .text($0.configuration.simd.rawValue) },
        .setting("gemm", read: .text, "`builtin`, or the library that computed the matrix products") {
            .text($0.configuration.blas?.path ?? "builtin")
        },
        .setting("dropout", read: .probability, "the probability of setting an element to 0") {
            .number($0.configuration.dropout)
        },
        .setting("warmup_steps", read: .count(from: 0), unit: "steps", "steps before measuring") {
            .count($0.configuration.warmupSteps)
        },
        // Fewer than were asked for when a signal has stopped the run.
        .setting("measure_steps", read: .count(from: 1), unit: "steps", "steps that were measured") {
            .count($0.figures?.result.measuredSteps ?? $0.configuration.measuredSteps)
        },
    ]

    private static let steps: [ResultColumn] = [
        .figure("step_s_median", unit: "s", "the median measured step") { .number($0.steps.median) },
        .figure("step_s_min", unit: "s", "the fastest measured step") { .number($0.steps.min) },
        .figure("step_s_max", unit: "s", "the slowest measured step") { .number($0.steps.max) },
        .figure(
            "loss",
            "after the last step; with `--forward-only`, the mean over the measured steps; `nan` or `inf` when it diverged"
        ) { .single($0.result.loss) },
        // The JSON has these and `peak_in_flight` for each rank.
        .figure(
            "peak_activation_bytes", json: "", unit: "bytes",
            "the most memory that a rank held for what waited for a backward, measured"
        ) { .count($0.result.ranks.map(\.activationBytesPeak).max()!) },
    ]

    /// The JSON has them in `breakdown`.
    static let terms: [ResultColumn] = Breakdown.Term.allCases.map { term in
        .figure("\(term.rawValue)_s", json: "", read: .term, unit: "s", term.meaning) { figures in
            figures.timed.map { .number($0.breakdown[term]) }
        }
    }

    private static let spread: [ResultColumn] = [
        .figure("step_s_p25", unit: "s", "the first quartile of the measured steps") {
            .number($0.steps.quantile(0.25))
        },
        .figure("step_s_p75", unit: "s", "their third quartile") { .number($0.steps.quantile(0.75)) },
        .figure(
            "handoff_us", unit: "us", "the median of all hand-offs in the measured steps; empty when there are none"
        ) { figures in figures.timed?.handoffSeconds.map { .number($0.median * 1e6) } },
        .figure("peak_in_flight", json: "", "the most (stage, microbatch) pairs that a rank held, measured") {
            .count($0.result.ranks.map(\.inFlightPeak).max()!)
        },
    ]

    /// Of format 4.
    private static let columnsOfFormat4: [ResultColumn] = [
        .setting("pin", read: .name, "`auto`, `none` or the list of CPUs (`--pin`)") {
            .text($0.configuration.pin.description)
        },
        .setting("lr", read: .fromZero, "learning rate") { .number($0.configuration.optimizer.rate) },
        .setting("seed", read: .seed, "of the parameters, random tokens and dropout") {
            .count(Int(clamping: $0.configuration.seed))
        },
        // The JSON has the file's path, layout and size.
        .setting(
            "data", json: "", read: .text,
            "`random`, or the name of `--data`'s file and a fingerprint of the tokens that the run reads (64-bit FNV-1a of them as 32-bit little-endian numbers)"
        ) { .text($0.data) },
        .setting(
            "init", read: .text,
            "`seed`, or the name of `--init`'s file and a fingerprint of it (64-bit FNV-1a of its bytes): what the weights start from"
        ) { .text($0.initial) },
        .setting("timeline", read: .name, "`false` with `--no-timeline`") { .truth($0.configuration.keepsTimeline) },
        .setting("repeat", json: "", read: .unread, "which repetition of the same settings it is, from 1") {
            .count($0.repetition)
        },
        .figure(
            "tries",
            "how often the run was measured ([measuring.md](measuring.md#disturbed-runs)); the figures are the quietest try's"
        ) { .count($0.tries) },
        .figure(
            "disturbance", read: .within(-1...1), unit: "0 to 1",
            "the part of the steps that others took; empty with `--no-timeline`, where ranks share CPUs, and under a quota"
        ) { figures in figures.disturbance.map { .number($0.share) } },
    ]

    /// Of format 5, as `memory`: both rates, and what the machine did meanwhile.
    private static let rates: [ResultColumn] = [
        .figure(
            "tokens_per_s_median", json: "tokens_per_s", unit: "1/s",
            "tokens of a step over the median measured step: what an undisturbed step gives"
        ) { .number($0.tokensPerSecond) },
        .figure(
            "tokens_per_s_delivered", unit: "1/s",
            "tokens of the measured steps over the time from the release into the first to the end of the last"
        ) { .number($0.deliveredTokensPerSecond) },
        .figure(
            "throttled", read: .within(0...1e6), unit: "0 to 1",
            "the part of that time of the ranks' CPUs for which a quota stopped them; empty without a quota"
        ) { figures in figures.throttledShare.map { .number($0) } },
        .figure(
            "stolen", unit: "0 to 1",
            "the part of it for which the hypervisor had them (steal); empty where the system does not say"
        ) { figures in figures.stolenShare.map { .number($0) } },
        // The JSON has them as an array, among others.
        .remark("notes", json: "", "what a person should know of the machine while the run was measured") {
            .text($0.figures?.notesColumn ?? "")
        },
    ]

    private static let memory: [ResultColumn] = [
        // The JSON has it for each rank.
        .figure(
            "memory_planned_bytes", json: "", unit: "bytes",
            "the most memory that a rank is planned to hold ([measuring.md](measuring.md#memory))"
        ) { $0.memory.plan.ranks.map(\.total).max().map { .count($0) } },
        .figure(
            "memory_total_bytes", unit: "bytes",
            "what all processes held after the last step, measured; empty where the system does not tell"
        ) { $0.memory.measuredTotalBytes.map { .count($0) } },
    ]

    private static let origin: [ResultColumn] = [
        .machine("host", read: .text, "the machine's name") { _ in .text(ResultRow.machine?.host ?? "") },
        .machine("cpu", read: .text, "the CPU's model, as the kernel calls it") { _ in
            .text(ResultRow.machine?.cpuModel ?? "")
        },
        .machine("os_cpus", "CPUs that the program could use") { _ in
            ResultRow.machine.map { .count($0.topology.cpus.count) }
        },
        .remark("version", "of ppthreads") { .text($0.program.version) },
        .remark(
            "commit",
            "of ppthreads' source that the program was built from; `-dirty` follows it when `Sources` or `Package.swift` was not as committed; `unknown` when the source was no clone, or git was not there"
        ) { .text($0.program.commit) },
        .remark(
            "format", json: "",
            "of the row: 7 (6 had no `replicas`, `injected_link` and `reduction_s`, 5 no `group_size`, 4 had no `tokens_per_s_median`, `tokens_per_s_delivered`, `throttled`, `stolen`, `notes`, `memory_planned_bytes` and `memory_total_bytes`, 3 had no `lr`, `seed`, `data`, `init`, `timeline`, `tries` and `disturbance`, 2 no `commit` either, 1 no `pin`)"
        ) { _ in .count(7) },
        .remark("error", json: "", "why the run failed; empty when it did not") { .text($0.error) },
    ]

    /// Names to choose from, for a person.
    private static func oneOf(_ choices: [some RawRepresentable<String>]) -> String {
        let names = choices.map { "`\($0.rawValue)`" }
        return names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " or \(names.last!)"
    }
}

extension ResultRow {
    fileprivate var configuration: RunConfiguration { plan.configuration }
    fileprivate var model: Model { plan.configuration.model }
}
