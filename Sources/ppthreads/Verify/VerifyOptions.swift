// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Threads

/// What `ppthreads verify` was asked for. The defaults are models small enough for every combination to take seconds.
package struct VerifyOptions {
    var architectures = Architecture.allCases
    var schedules = ScheduleKind.allCases.map(ScheduleName.kind)
    /// Of schedules that are files, what was read there, by their paths.
    private(set) var scheduleFiles: [String: ScheduleFile] = [:]
    /// Sockets on request: they would double the time.
    var transports = [TransportKind.threads, .processes]
    var intraNode = IntraNode.rings
    var partitions = PartitionKind.allCases.map(PartitionName.kind)
    /// Of partitions that are files, what was read there, by their paths.
    private var layoutFiles: [String: PartitionLayout] = [:]
    package var recompute = false
    var dropout = 0.0
    var stages = [1, 2, 4]
    package var threads = [1]
    var microbatches = [1, 3, 4, 8]
    var replicas = [1]
    var model = ModelOptions(
        architecture: .decoder, layers: 8, heads: 3, dim: 24, ffn: 40, vocabulary: 53, sequenceLength: 7)
    var batch = 24
    var steps = 2
    var seed = 0
    var simd = SIMDLevel.best
    var pin = PinPolicy.auto
    var timeout = 60.0

    package init() {}

    private static let standard = VerifyOptions()

    static var flags: [Flag<VerifyOptions>] {
        [
            .choices("--arch", set: \.architectures, standard: standard, help: "architectures"),
            .namesOrFiles(
                "--schedule", set: \.schedules, standard: standard, help: "schedules; a file has P and M of its own"),
            .choices("--transport", set: \.transports, standard: standard, help: "transports"),
            .intraNode(set: \.intraNode, standard: standard),
            .namesOrFiles("--partition", set: \.partitions, standard: standard, help: "partitions"),
            .on(
                "--recompute", set: \.recompute,
                help: "do forwards again for the backwards, except in the one-stage run to compare with"),
            .dropout(set: \.dropout),
            .numbers(
                "--stages", "--procs", set: \.stages, in: Limits.stages, standard: standard, help: "numbers of ranks"),
            .numbers(
                "--threads", set: \.threads, in: Limits.threads, standard: standard,
                help: "numbers of threads that share a rank's work; the one-stage run to compare with has one"),
            .numbers(
                "--microbatches", set: \.microbatches, in: Limits.batch, standard: standard,
                help: "numbers of microbatches; each divides the batch"),
            .numbers(
                "--replicas", set: \.replicas, in: Limits.replicas, standard: standard,
                help: "numbers of pipelines side by side, of P ranks and M microbatches each"),
            .number(
                "--n-layers", "--layers", set: \.model.layers, in: Limits.layers, standard: standard, help: "layers"),
            .number("--n-heads", "--heads", set: \.model.heads, in: Limits.heads, standard: standard, help: "heads"),
            .number("--dim", set: \.model.dim, in: Limits.dim, standard: standard, help: "columns of an activation"),
            .number("--ffn", set: \.model.ffn, in: Limits.ffn, standard: "40", help: "columns inside the feed-forward"),
            .number(
                "--vocab-size", set: \.model.vocabulary, in: Limits.vocabulary, standard: "53", help: "tokens there are"
            ),
            .number(
                "--seq-len", set: \.model.sequenceLength, in: Limits.sequence, standard: standard,
                help: "tokens a sequence"),
            .number(
                "--batch-size", "--batch", set: \.batch, in: Limits.batch, standard: standard, help: "sequences a step"),
            .number("--steps", set: \.steps, in: 1...1000, standard: standard, help: "steps each run trains"),
            .number("--seed", set: \.seed, in: 0...Int.max, standard: standard, help: "of parameters and tokens"),
            .simd(set: \.simd),
            .positive(
                "--timeout", set: \.timeout, max: 86400, placeholder: "SECONDS", standard: standard,
                help: "the longest that one wait for another rank may last"),
        ]
    }
}

extension VerifyOptions {
    /// One way to run the model.
    package struct Variant: CustomStringConvertible {
        let architecture: Architecture
        let schedule: Schedule
        /// As it was asked for, also where there is no order for so many.
        let ranks: Int
        let replicas: Int
        let threads: Int
        let transport: TransportKind
        let partition: PartitionName
        let recomputes: Bool

        package var description: String {
            let team = threads > 1 ? " of \(threads) threads" : ""
            let stages = schedule.virtualStages > 1 ? " v=\(schedule.virtualStages)" : ""
            let side = replicas > 1 ? " R=\(replicas)" : ""
            let microbatches = schedule.microbatches / schedule.replicas
            let sizes = "P=\(ranks)\(stages)\(team)\(side) M=\(microbatches)"
            return "\(architecture.rawValue) \(schedule.name) \(transport.rawValue) \(sizes) \(partition.text)"
        }
    }

    /// Reads the files among schedules and partitions.
    mutating func open() throws(CommandError) {
        try intraNode.check(isFor: transports)
        layoutFiles = try partitions.read()
        scheduleFiles = try schedules.read()
        try schedules.paths.compactMap { scheduleFiles[$0]?.schedule }.checkTrain()
        try checkSizes()
    }

    /// Refuses numbers of ranks and microbatches that no schedule is for, since all are files of other ones.
    private func checkSizes() throws(CommandError) {
        guard schedules.paths.count == schedules.count else { return }
        for order in schedules.paths.compactMap({ scheduleFiles[$0]?.schedule }) {
            for (flag, asked, usual, own) in [
                ("--stages", stages, Self.standard.stages, order.ranks),
                ("--microbatches", microbatches, Self.standard.microbatches, order.microbatches),
            ] where asked != usual && !asked.contains(own) {
                throw CommandError(
                    code: .usage,
                    message:
                        "\(flag): \(asked.map(String.init).joined(separator: ",")) is asked for, and \(order.name) has "
                        + "\(own); leave it out")
            }
        }
    }

    /// The numbers of microbatches that anything is run with: those asked for, and those of files.
    var allMicrobatches: [Int] {
        let named = schedules.contains { if case .kind = $0 { true } else { false } } ? microbatches : []
        return (named + scheduleFiles.values.map(\.schedule.microbatches).sorted()).unique
    }

    /// Every way to run an architecture with M microbatches in each of R replicas, each schedule with its usual number of stages a
    /// rank.
    package func variants(_ architecture: Architecture, _ microbatches: Int, replicas: Int = 1) -> [Variant] {
        schedules.map { name in orders(name, microbatches).map { ($0.ranks, $0.1.replicated(replicas)) } }.flatMap {
            orders in
            transports.flatMap { transport in
                partitions.flatMap { partition in
                    orders.flatMap { ranks, schedule in
                        threads.map { threads in
                            Variant(
                                architecture: architecture, schedule: schedule, ranks: ranks, replicas: replicas,
                                threads: threads,
                                transport: transport, partition: partition, recomputes: recompute)
                        }
                    }
                }
            }
        }
    }

    /// A schedule for each number of ranks; a file's for its own, where M is its own too.
    private func orders(_ name: ScheduleName, _ microbatches: Int) -> [(ranks: Int, Schedule)] {
        switch name {
        case .kind(let kind):
            let wanted = self.microbatches.contains(microbatches) ? stages : []
            return wanted.map { ($0, kind.make(ranks: $0, microbatches: microbatches)) }
        case .file(let path):
            guard let schedule = scheduleFiles[path]?.schedule else { return [] }
            return schedule.microbatches == microbatches ? [(schedule.ranks, schedule)] : []
        }
    }

    package func configuration(_ variant: Variant) throws(CommandError) -> RunConfiguration {
        var model = model
        model.architecture = variant.architecture
        var configuration = RunConfiguration(model: try model.spec().model(), schedule: variant.schedule)
        configuration.batchSize = batch
        guard let choice = variant.partition.choice(layoutFiles) else { trap("a layout's file that was not opened") }
        configuration.partition = choice
        configuration.recomputes = variant.recomputes
        configuration.dropout = dropout
        configuration.transport = intraNode.applied(to: variant.transport).transport
        configuration.pin = pin
        configuration.threadsPerRank = variant.threads
        configuration.simd = simd
        configuration.seed = UInt64(seed)
        configuration.tokens = .random(seed: UInt64(seed))
        configuration.warmupSteps = 0
        configuration.measuredSteps = steps
        configuration.timeoutSeconds = timeout
        configuration.keepsWeights = true
        configuration.keepsGradients = true
        return configuration
    }
}
