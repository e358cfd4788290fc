// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What `ppthreads analyze` writes, found and checked before the file is read: its table first, then each file, whatever
/// became of the others.
struct AnalyzeOutputs {
    private let files: CommandFiles
    private let summary: OutputFile?
    private let page: OutputFile?
    private let svg: [String: OutputFile]
    private let png: [String: OutputFile]
    private let converter: PNGConverter?
    private let explains: Bool

    init(_ input: String, _ options: AnalyzeCommand.Options) throws(CommandError) {
        var files = CommandFiles()
        try files.read("FILE", input)
        summary = try files.write("--summary", options.summary)
        page = try files.write("--html", options.page)
        svg = try files.write("--svg", folder: options.svg, AnalyzePlots.ids.map { "\($0).svg" })
        png = try files.write("--png", folder: options.png, AnalyzePlots.ids.map { "\($0).png" })
        converter = options.png == nil ? nil : try PNGConverter.find()
        explains = options.explains
        self.files = files
    }

    func write(_ report: AnalyzeReport, _ arguments: [String]) throws(CommandError) {
        var attempts = Attempts("analyze")
        attempts.attempt { () throws(CommandError) in
            // Nothing that the file says can end a line.
            let text = AnalyzeTable(report).lines.map(\.visible).joined(separator: "\n")
            try files.report(explains ? text + Explanation(of: text).footer : text)
        }
        if let summary {
            attempts.write { () throws(DataError) in
                try summary.write(texts: ResultsSummary(report.analysis).pieces)
            }
        }
        if let page {
            attempts.write { () throws(DataError) in
                try page.write(text: AnalyzePage(report, arguments: arguments).text)
            }
        }
        for plot in report.plots.plots {
            if let file = svg["\(plot.id).svg"] {
                attempts.write { () throws(DataError) in try file.write(text: plot.file) }
            }
        }
        for plot in report.plots.plots { attempts.attempt { () throws(CommandError) in try writePNG(plot) } }
        try attempts.finish()
    }

    private func writePNG(_ plot: Plot) throws(CommandError) {
        guard let converter, let file = png["\(plot.id).png"] else { return }
        if plot.fileHeight > PNGConverter.heightMost {
            Terminal.error(
                "ppthreads analyze: --png: \(plot.id) is \(plot.fileHeight.fixed(0)) pixels high, more than the "
                    + "\(PNGConverter.heightMost.fixed(0)) of which a PNG can be made; left out, --svg has it")
        } else {
            try converter.write(plot, to: file)
        }
    }
}
