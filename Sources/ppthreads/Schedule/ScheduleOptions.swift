// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What `schedule` is asked for.
struct ScheduleOptions {
    /// Several of each only on a page.
    var stages, microbatches, virtualStages: [Int]?
    var groupSize: Int?
    var replicas = 1
    var waves: Int?
    var costs = ChunkCosts()
    var width = 110
    var csv: String?
    var communication: String?
    var svg: String?
    var html: String?
    var json = false
    var explains = false
    var isForwardOnly = false

    static let standard = ScheduleOptions()

    private static let timeMost = OrderExplorer.timeMost

    static var flags: [Flag<ScheduleOptions>] { sizeFlags + timeFlags + outputFlags }

    private static var sizeFlags: [Flag<ScheduleOptions>] {
        [
            .numbers(
                "--stages", "-p", set: \.stages, in: Limits.ranks,
                standard: "4, or the file's; of a page \(SchedulePageSizes.ranks)",
                help: "P, ranks; a list with --html"),
            .numbers(
                "--microbatches", "-m", set: \.microbatches, in: Limits.microbatches,
                standard: "8, or the file's; of a page \(SchedulePageSizes.microbatches)",
                help: "M, microbatches a step; a list with --html"),
            .numbers(
                "--virtual-stages", set: \.virtualStages, in: Limits.virtualStages,
                standard: "what the order must have, or 2", help: "v, stages a rank; a list with --html"),
            .groupSize(set: \.groupSize),
            .waves(set: \.waves),
            .number(
                "--replicas", set: \.replicas, in: Limits.replicas, standard: standard,
                help: "R: the order so many times side by side, on P ranks and with M microbatches each"),
            .on("--forward-only", set: \.isForwardOnly, help: "the forwards alone"),
        ]
    }

    private static var timeFlags: [Flag<ScheduleOptions>] {
        [
            .fromZero(
                "--forward", set: \.costs.forward, max: timeMost, placeholder: "TIME", standard: standard,
                help: "F, of a stage and microbatch, in any unit"),
            .fromZero(
                "--input-gradient", set: \.costs.inputGradient, max: timeMost, placeholder: "TIME", standard: standard,
                help: "I, the part of its backward that others wait for"),
            .fromZero(
                "--weight-gradient", set: \.costs.weightGradient, max: timeMost, placeholder: "TIME",
                standard: standard, help: "W, the part that nobody waits for"),
            .fromZero(
                "--hand-off", set: \.costs.handOff, max: timeMost, placeholder: "TIME", standard: standard,
                help: "from one rank to another"),
        ]
    }

    private static var outputFlags: [Flag<ScheduleOptions>] {
        [
            .number(
                "--width", set: \.width, in: 20...OrderDrawing.widthMost, standard: standard,
                help: "columns of the drawing"),
            .path(
                "--csv", set: \.csv, help: "write the order as PyTorch's CSV, computations alone (- is standard output)"
            ),
            .path("--comms", set: \.communication, help: "write it with sends and receives"),
            .path("--svg", set: \.svg, help: "write the drawing as SVG"),
            .path(
                "--html", set: \.html,
                help: "write a page of all orders and sizes instead, whose times can be changed as one looks at it"),
            .explain(set: \.explains),
            .on("--json", set: \.json, help: "print one JSON object instead of the table"),
        ]
    }
}
