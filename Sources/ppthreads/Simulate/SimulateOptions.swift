// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What `ppthreads simulate` was asked for.
struct SimulateOptions {
    /// Order, sizes and model.
    var run = RunOptions()
    /// Several only with `--grid`.
    var schedules = [ScheduleName.kind(.oneFOneB)]
    var auto = AutoOptions()
    /// Whether a cut was asked for.
    var partitionIsGiven = false
    var stages, microbatches, virtualStages: [Int]?
    var replicas = 1
    var costs: String?
    var anyMachine = false
    /// FLOP/s of a rank.
    var flops: Double?
    var times = StageTimes()
    var latency, bandwidth: Double?
    var cpus: Int?
    var sharedLink = Circumstances.SharedLink.rank
    var blocks = false
    var jitter = 0.0
    var steps: Int?
    var slowRanks: [Int: Double] = [:]
    var slowEdges: [Int: LinkCost] = [:]
    var grid = false
    var width = 110
    var svg: String?
    var trace: String?
    var csv: String?
    var json = false
    var explains = false

    static let standard = SimulateOptions()

    /// Of stages, in seconds: one for all, or one for each.
    struct StageTimes {
        var forward, inputGradient, weightGradient, backward, packing, update: [Double]?
        var itemBytes: [Int]?

        /// Whether any is given.
        var areGiven: Bool { forward != nil || inputGradient != nil || weightGradient != nil || backward != nil }
    }

    static var flags: [Flag<SimulateOptions>] {
        orderFlags + AutoOptions.flags.map { $0.within(\.auto) } + costFlags + circumstanceFlags + modelFlags
            + outputFlags
    }

    private static var orderFlags: [Flag<SimulateOptions>] {
        [
            .namesOrAuto,
            .numbers(
                "--stages", "--procs", set: \.stages, in: Limits.ranks, standard: "2, or the file's",
                help: "P, ranks; a list with --grid"),
            .numbers(
                "--microbatches", set: \.microbatches, in: Limits.microbatches, standard: "4, or the file's",
                help: "M, microbatches a step; a list with --grid"),
            .numbers(
                "--virtual-stages", set: \.virtualStages, in: Limits.virtualStages,
                standard: "what the order must have, or one layer a stage", help: "v, stages a rank; a list with --grid"
            ),
            .on("--grid", set: \.grid, help: "a line for each order and size instead of one order's figures"),
        ]
    }

    private static var costFlags: [Flag<SimulateOptions>] {
        [
            .path("--costs", set: \.costs, help: "what units take, as ppthreads profile has measured it"),
            .on("--any-machine", set: \.anyMachine, help: "take costs that were measured on another machine"),
            Flag(
                names: ["--flops"], placeholder: "RATE",
                help: "take a unit's matrix products at so many FLOP/s of a rank, such as 40G, and nothing else",
                standard: nil,
                apply: { options, text throws(FlagValueError) in options.flops = try Self.rate(text) }),
            .times("--forward", set: \.times.forward, help: "F, of a stage and microbatch"),
            .times("--input-gradient", set: \.times.inputGradient, help: "I; F unless given"),
            .times("--weight-gradient", set: \.times.weightGradient, help: "W; F unless given"),
            .times("--backward", set: \.times.backward, help: "B; I and W together unless given"),
            .times("--packing", set: \.times.packing, help: "packing a stage's weights, once a step; 0 unless given"),
            .times("--update", set: \.times.update, help: "a stage's update, once a step; 0 unless given"),
            .numbers(
                "--item-bytes", set: \.times.itemBytes, in: 0...(1 << 40), standard: "0",
                help: "bytes that a stage hands on for a microbatch, where --forward gives times instead of a model"),
            Flag(
                names: ["--latency"], placeholder: "TIME", help: "of a hand-off; that of the costs, or 0, unless given",
                standard: nil,
                apply: { options, text throws(FlagValueError) in
                    guard let time = TimeText.seconds(text) else { throw FlagValueError(allowed: TimeText.allowed) }
                    options.latency = time
                }),
            Flag(
                names: ["--bandwidth"], placeholder: "RATE",
                help: "bytes a second of a link, such as 125M or 1G; that of the costs, or unlimited, unless given",
                standard: nil,
                apply: { options, text throws(FlagValueError) in options.bandwidth = try Self.rate(text) }),
        ]
    }

    /// 40e9, 40G, 1.5T.
    private static func rate(_ text: String) throws(FlagValueError) -> Double {
        let units: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12]
        let unit = text.last.flatMap { units[$0] }
        guard let number = Double(unit == nil ? text[...] : text.dropLast()), number > 0,
            case let rate = number * (unit ?? 1), rate <= 1e18
        else { throw FlagValueError(allowed: "a number above 0 such as 2.5e9, or 40G (k, M, G, T), at most 1e18") }
        return rate
    }

    private static var circumstanceFlags: [Flag<SimulateOptions>] {
        [
            .number(
                "--cpus", set: \.cpus, in: 1...Limits.ranks.upperBound, standard: "as many as ranks have threads",
                help: "CPUs that ranks share, in equal parts while they work"),
            .choice(
                "--shared-link", set: \.sharedLink, standard: standard,
                help: "whose items wait for each other: an edge's in one direction, a rank's, or all"),
            .on("--blocking", set: \.blocks, help: "ranks that hand on do nothing else until the item has left"),
            .fromZero(
                "--jitter", set: \.jitter, max: 1, placeholder: "PART", standard: standard,
                help: "standard deviation of each task's time, as a part of it, drawn by --seed"),
            .number(
                "--steps", set: \.steps, in: 1...10_000, standard: "20 with --jitter, else 1",
                help: "steps that are simulated; figures are of the mean step"),
            .slowRanks(set: \.slowRanks),
            .slowEdges(set: \.slowEdges),
        ]
    }

    private static var modelFlags: [Flag<SimulateOptions>] {
        RunOptions.flags(
            [
                "--replicas", "--group-size", "--waves", "--transport", "--partition", "--recompute", "--threads",
                "--arch", "--n-layers", "--n-heads", "--dim", "--ffn", "--vocab-size", "--seq-len", "--batch-size",
                "--simd", "--gemm", "--optimizer", "--dropout", "--forward-only", "--seed",
            ], within: \.run)
    }

    private static var outputFlags: [Flag<SimulateOptions>] {
        [
            .number(
                "--width", set: \.width, in: 20...OrderDrawing.widthMost, standard: standard,
                help: "columns of the drawing"),
            .path("--svg", set: \.svg, help: "write the step's Gantt chart as SVG (- is standard output)"),
            .path("--trace", set: \.trace, help: "write it as Chrome trace events, for Perfetto or ppthreads trace"),
            .explain(set: \.explains),
            .on("--json", set: \.json, help: "print one JSON object instead of the table"),
            .path("--csv", set: \.csv, help: "write the lines of --grid as CSV"),
        ]
    }
}

extension Flag<SimulateOptions> {
    /// Names, files, or one word for an order that is yet to be found.
    fileprivate static var namesOrAuto: Flag {
        let names = Flag.namesOrFiles(
            "--schedule", set: \.schedules, standard: SimulateOptions.standard,
            help: "order of work; a list with --grid; auto searches for one")
        return Flag(
            names: names.names, placeholder: names.placeholder, help: names.help, standard: names.standard,
            values: FlagValues(
                words: names.values.words + ["auto"], allowsFiles: true, isList: true, told: names.values.told)
        ) { options, text throws(FlagValueError) in
            options.auto.isAsked = text == "auto"
            if !options.auto.isAsked { try names.apply(&options, text) }
        }
    }
}

extension Flag {
    /// Lengths of time, separated by commas.
    fileprivate static func times(
        _ name: String, set path: WritableKeyPath<Options, [Double]?>, help: String
    ) -> Flag {
        Flag(names: [name], placeholder: "TIMES", help: help, standard: nil) { options, text throws(FlagValueError) in
            var times: [Double] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let seconds = TimeText.seconds(String(part)) else {
                    throw FlagValueError(
                        allowed: "\(TimeText.allowed); one for all stages, or one for each, with commas between")
                }
                times.append(seconds)
            }
            options[keyPath: path] = times
        }
    }

    /// `1:1.5,3:2`.
    fileprivate static func slowRanks(set path: WritableKeyPath<Options, [Int: Double]>) -> Flag {
        Flag(
            names: ["--slow-rank"], placeholder: "RANK:TIMES",
            help: "work of a rank takes so many times as long, such as 1:1.5",
            standard: nil
        ) { options, text throws(FlagValueError) in
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let numbers = part.split(separator: ":", omittingEmptySubsequences: false)
                guard numbers.count == 2, let rank = Int(numbers[0]), rank >= 0, let factor = Double(numbers[1]),
                    factor > 0, factor <= 1000
                else { throw FlagValueError(allowed: "RANK:TIMES such as 1:1.5, several with commas between") }
                options[keyPath: path][rank] = factor
            }
        }
    }

    /// `2-3:5ms`, `2-3:5ms,1gbit`.
    fileprivate static func slowEdges(set path: WritableKeyPath<Options, [Int: LinkCost]>) -> Flag {
        Flag(
            names: ["--slow-edge"], placeholder: "A-B:LATENCY[,RATE]",
            help:
                "the edge between stages A and B has a link of its own, such as 1-2:5ms,100mbit; may be given again for another",
            standard: nil
        ) { options, text throws(FlagValueError) in
            let allowed = FlagValueError(
                allowed: "neighbouring stages and their link, such as 1-2:5ms or 1-2:5ms,100mbit")
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 2, ends.count == 2, let lower = ends[0], let upper = ends[1], lower >= 0,
                upper == lower + 1
            else { throw allowed }
            options[keyPath: path][lower] = try LinkCost(String(parts[1]))
        }
    }
}
