// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// `ppthreads analyze`: a CSV of results as a table, a summary, plots and a page.
enum AnalyzeCommand {
    struct Options {
        var summary: String?
        var svg: String?
        var png: String?
        var page: String?
        var explains = false

        static var flags: [Flag<Options>] {
            [
                .path(
                    "--summary", set: \.summary,
                    help:
                        "write a CSV with a row for each group, the reference study's columns first (- is standard output)"
                ),
                .path("--svg", set: \.svg, help: "a folder, which exists, to write plots to, each an SVG file"),
                .path(
                    "--png", set: \.png,
                    help: "the same as PNG files, light, at twice the size; needs rsvg-convert, inkscape or chromium"),
                .path(
                    "--html", set: \.page,
                    help: "write the report as a page too: one file, no network (- is standard output)"),
                .explain(set: \.explains),
            ]
        }
    }

    static var command: Command {
        Command(
            name: "analyze", summary: "makes a table, plots and a page of a CSV of results",
            synopsis: """
                Usage: ppthreads analyze FILE [flags]

                Reads runs from a CSV that run --emit-csv or sweep wrote, or the PyTorch reference study's runs or summary.
                Tells tokens/s, the speedup vs GPipe, true scaling efficiency and the reference study's, and which part of the
                step each loss takes. Of rows with the same settings and repeat the newest counts; rows that differ in their
                repeat are a sample, with its median and, from 5 on, a 95 % interval; those of all speedups hold together. Where
                a run to compare with is not in the file there is a dash.
                """, argument: .file, flags: Options.flags.map(\.text),
            terms: [.overGPipe, .efficiency, .referenceEfficiency, .bubble, .imbalance, .transport], run: run)
    }

    private static func run(_ arguments: [String]) throws(CommandError) {
        guard let path = arguments.first, !path.hasPrefix("-") else {
            throw CommandError(
                code: .usage, message: "a CSV of results has to come first: ppthreads analyze FILE [flags]")
        }
        var options = Options()
        try Flag.parse(Array(arguments.dropFirst()), Options.flags, into: &options)
        let outputs = try AnalyzeOutputs(path, options)
        let report = AnalyzeReport(
            path: path, try readingData { () throws(DataError) in try Results.read(path) })
        tellProblems(report)
        try outputs.write(report, arguments)
    }

    private static func tellProblems(_ report: AnalyzeReport) {
        let (told, count) = (report.results.problems, report.results.problemCount)
        for problem in told { Terminal.error("ppthreads analyze: \(report.path): \(problem.description); left out") }
        if count > told.count {
            let rest = AnalyzeReport.count(count - told.count, "more row")
            Terminal.error("ppthreads analyze: \(report.path): \(rest) like these; left out")
        }
    }
}
