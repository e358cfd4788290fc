// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// What `ppthreads run` was asked for. The defaults are the reference workload 4L-4H under 1F1B on two threads.
package struct RunOptions {
    package var model = ModelOptions()
    var schedule = ScheduleName.kind(.oneFOneB)
    /// Of schedules that are files, what was read there, by their paths.
    var scheduleFiles: [String: ScheduleFile] = [:]
    var stagesAskedFor: Int?
    var virtualStages: Int?
    var microbatchesAskedFor: Int?
    /// R: pipelines side by side, of P ranks and M microbatches each.
    var replicas = 1
    var groupSize: Int?
    var waves: Int?
    var batch = 8
    var threads = 1
    var warmup = 3
    var measure = 10
    var transport = TransportKind.threads
    var network = NetworkOptions()
    var partition = PartitionName.uniform
    /// Of partitions that are files, what was read there, by their paths.
    var layoutFiles: [String: PartitionLayout] = [:]
    var recompute = false
    var dropout = 0.0
    var forwardOnly = false
    var pin = PinPolicy.auto
    var simd = SIMDLevel.best
    var gemm = GemmChoice.builtin
    var optimizer = OptimizerName.adam
    var rate = 3e-4
    var seed = 0
    var data: String?
    var dataFormat = TokenFormat.auto
    /// `data`, once it was opened: runs of one command share it.
    private(set) var tokenFile: TokenFile?
    var initial: String?
    var save: String?
    var saveType = StoredType.f32
    var saveGradients: String?
    var timeout = 60.0
    var json = false
    var csv = false
    var noTimeline = false
    var memory = false
    var trace: String?
    var log: String?
    var explains = false

    package init() {}

    enum OptimizerName: String, CaseIterable { case adam, sgd }

    static var flags: [Flag<RunOptions>] { scheduleFlags + networkFlags + modelFlags + trainingFlags + outputFlags }

    private static let standard = RunOptions()

    private static var scheduleFlags: [Flag<RunOptions>] {
        [
            .nameOrFile("--schedule", set: \.schedule, placeholder: "NAME", standard: standard, help: "order of work"),
            .number(
                "--stages", "--procs", set: \.stagesAskedFor, in: Limits.stages, standard: "2, or the file's",
                help: "P: ranks, each a pinned thread or a process"),
            .number(
                "--virtual-stages", set: \.virtualStages, in: Limits.virtualStages,
                standard: "what the order must have, or one layer a stage", help: "v: stages a rank"),
            .number(
                "--microbatches", set: \.microbatchesAskedFor, in: Limits.batch, standard: "4, or the file's",
                help: "M: equal pieces of a replica's part of the batch"),
            .number(
                "--replicas", set: \.replicas, in: Limits.replicas, standard: standard,
                help: "R: pipelines side by side, of P ranks and M microbatches each, that sum their gradients"),
            .groupSize(set: \.groupSize),
            .waves(set: \.waves),
            .choice(
                "--transport", set: \.transport, standard: standard, help: "who runs a rank, and how stages hand on"),
            .nameOrFile(
                "--partition", set: \.partition, placeholder: "CUT", standard: standard,
                help: "how units are cut into stages"),
            .on(
                "--recompute", set: \.recompute,
                help: "keep only a stage's input, and do its forward again for the backward"),
            Flag(
                names: ["--pin"], placeholder: "WHERE",
                help: "auto (cores before hyper-threads), none, or a list of CPUs such as 0,2,4", standard: "auto",
                values: FlagValues(words: ["auto", "none"]),
                apply: { options, text throws(FlagValueError) in
                    guard let policy = PinPolicy(text) else {
                        throw FlagValueError(allowed: "auto, none or a list of CPUs such as 0,2,4")
                    }
                    options.pin = policy
                }),
            .number(
                "--threads", set: \.threads, in: Limits.threads, standard: standard,
                help: "N: pinned threads that share a rank's work; the bits stay the same"),
            .simd(set: \.simd),
            Flag(
                names: ["--gemm"], placeholder: "NAME",
                help: "matrix products: builtin, openblas, or the path of a library with cblas_sgemm",
                standard: "builtin", values: FlagValues(words: ["builtin", "openblas"], allowsFiles: true),
                apply: { options, text throws(FlagValueError) in options.gemm = try GemmChoice(text) }),
        ]
    }

    private static var modelFlags: [Flag<RunOptions>] {
        [
            .choice("--arch", set: \.model.architecture, standard: standard, help: "architecture"),
            .number(
                "--n-layers", "--layers", set: \.model.layers, in: Limits.layers, standard: standard, help: "layers"),
            .number(
                "--n-heads", "--heads", set: \.model.heads, in: Limits.heads, standard: standard,
                help: "attention heads; they divide dim"),
            .number("--dim", set: \.model.dim, in: Limits.dim, standard: standard, help: "columns of an activation"),
            .number(
                "--ffn", set: \.model.ffn, in: Limits.ffn, standard: "2048; gpt 4 x dim",
                help: "columns inside the feed-forward"),
            .number(
                "--vocab-size", set: \.model.vocabulary, in: Limits.vocabulary,
                standard: "10000; with --data 256 for bytes, 50257 for 16-bit tokens, 128256 for 32-bit ones",
                help: "tokens there are"),
            .number(
                "--seq-len", set: \.model.sequenceLength, in: Limits.sequence, standard: standard,
                help: "tokens a sequence"),
            .number(
                "--batch-size", "--batch", set: \.batch, in: Limits.batch, standard: standard, help: "sequences a step"),
        ]
    }

    private static var trainingFlags: [Flag<RunOptions>] {
        [
            .number(
                "--warmup-steps", "--warmup", set: \.warmup, in: Limits.steps, standard: standard,
                help: "steps before measuring; they train too"),
            .number(
                "--measure-steps", "--measure", set: \.measure, in: 1...Limits.steps.upperBound, standard: standard,
                help: "steps that are measured"),
            .choice("--optimizer", set: \.optimizer, standard: standard, help: "how weights follow gradients"),
            .fromZero(
                "--lr", set: \.rate, max: 1000, placeholder: "X", standard: standard,
                help: "learning rate"),
            .dropout(set: \.dropout),
            .number(
                "--seed", set: \.seed, in: 0...Int.max, standard: standard,
                help: "of the parameters, random tokens and dropout"),
            .path(
                "--data", set: \.data, help: "train on a file: text, or tokens (default: random tokens)"),
            .choice(
                "--data-format", set: \.dataFormat, standard: standard,
                help:
                    "how tokens lie in it; auto goes by llm.c's header and the name (.bin, .u16, .u32; others are bytes)"
            ),
            .on(
                "--forward-only", set: \.forwardOnly, help: "evaluate: forwards alone, and the weights stay as they are"
            ),
            .path(
                "--init", set: \.initial,
                help:
                    "start from the weights of a safetensors checkpoint with PyTorch's names; no resume, since the optimizer's "
                    + "state, the step and the position in the data begin anew"),
            .safetensors(
                "--save", set: \.save, help: "write the weights at the end, as safetensors (- is standard output)"),
            .choice(
                "--save-dtype", set: \.saveType, standard: standard,
                help: "how --save stores the weights, which are fp32 in memory"),
            .safetensors(
                "--save-grads", set: \.saveGradients,
                help: "write the last step's gradients, before the update (- is standard output)"),
            .positive(
                "--timeout", set: \.timeout, max: 86400, placeholder: "SECONDS", standard: standard,
                help: "the longest that one wait for another rank may last"),
        ]
    }

    private static var outputFlags: [Flag<RunOptions>] {
        [
            .path(
                "--trace", set: \.trace,
                help:
                    "write the measured steps as Chrome trace events, for Perfetto or ppthreads trace (- is standard output)"
            ),
            .path(
                "--log", set: \.log,
                help:
                    "write a CSV at the end with a line for each step: its loss, learning rate, tokens and seconds so far"
            ),
            .on("--no-timeline", set: \.noTimeline, help: "time steps alone: no breakdown, no hand-off figures"),
            .on(
                "--memory", set: \.memory,
                help: "add a table of each rank's memory, by what it is for, planned and measured"),
            .explain(set: \.explains),
            .on("--json", set: \.json, help: "print one JSON object instead of the table"),
            .on(
                "--emit-csv", set: \.csv,
                help: "print a CSV header and row instead; the reference runner's columns first"),
        ]
    }
}

extension RunOptions {
    /// P.
    var stages: Int { stagesAskedFor ?? scheduleFile?.schedule.ranks ?? 2 }
    /// M.
    var microbatches: Int { microbatchesAskedFor ?? scheduleFile?.schedule.microbatches ?? 4 }
    /// The file that the schedule was read from.
    var scheduleFile: ScheduleFile? { schedule.path.flatMap { scheduleFiles[$0] } }

    /// Refuses flags that ask for two reports.
    func checkReport() throws(CommandError) {
        try CommandError.refuse("--json", json, with: "--emit-csv", csv)
        try CommandError.refuse("--memory", memory, with: "--emit-csv", csv)
        try CommandError.refuse("--explain", explains, with: "--emit-csv", csv)
        try CommandError.refuse("--explain", explains, with: "--json", json)
        try CommandError.refuse("--expect-link", network.expected != nil, with: "--no-timeline", noTimeline)
    }

    /// Opens the tokens once, for all runs that copies of these options ask for.
    mutating func openData() throws(CommandError) { tokenFile = try openedData() }

    private func openedData() throws(CommandError) -> TokenFile? {
        guard let data else {
            if dataFormat == .auto { return nil }
            throw CommandError(code: .usage, message: "--data-format: there is no file without --data")
        }
        if let tokenFile { return tokenFile }
        return try readingData { () throws(DataError) in try TokenFile(path: data, format: dataFormat) }
    }

    /// The run that these options ask for. Reads and checks the files that it needs.
    func configuration() throws(CommandError) -> RunConfiguration {
        let file = try openedData()
        let spec = try model.spec(standardVocabulary: file?.standardVocabulary ?? 10000)
        let order = try order().replicated(replicas)
        if (forwardOnly || order.isForwardOnly) && saveGradients != nil {
            let reason = forwardOnly ? "with --forward-only" : "by \(order.name), which has forwards alone"
            throw CommandError(code: .usage, message: "--save-grads: there are no gradients \(reason)")
        }
        if saveType != .f32 && save == nil {
            throw CommandError(code: .usage, message: "--save-dtype: nothing is stored without --save")
        }
        if noTimeline && trace != nil {
            throw CommandError(code: .usage, message: "--trace: there is nothing to write with --no-timeline")
        }
        var configuration = RunConfiguration(
            model: spec.model(), schedule: forwardOnly ? order.forwardOnly() : order)
        configuration.batchSize = batch
        guard let choice = partition.choice(layoutFiles) else { trap("a layout's file that was not opened") }
        configuration.partition = choice
        configuration.recomputes = recompute
        configuration.dropout = dropout
        configuration.transport = try network.applied(to: transport, seed: seed, timeout: timeout)
        configuration.pin = pin
        configuration.threadsPerRank = threads
        configuration.simd = simd
        configuration.blas = try gemm.library()
        configuration.optimizer = optimizer == .adam ? .adam(rate: rate) : .sgd(rate: rate)
        configuration.seed = UInt64(seed)
        configuration.tokens = file.map(TokenSource.file) ?? .random(seed: UInt64(seed))
        configuration.warmupSteps = warmup
        configuration.measuredSteps = measure
        configuration.timeoutSeconds = timeout
        configuration.keepsTimeline = !noTimeline
        configuration.keepsWeights = save != nil
        configuration.keepsGradients = saveGradients != nil
        configuration.checkpointNotes = ["ppthreads.version": Version.number, "ppthreads.commit": Version.commit]
        if let initial {
            configuration.initial = try readingData { () throws(DataError) in try SafetensorsFile(path: initial) }
        }
        return configuration
    }
}
