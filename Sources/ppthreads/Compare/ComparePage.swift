// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Pipeline
import Threads

/// A comparison as a page: one file that needs no other and no network, and that can be read without its script.
struct ComparePage {
    let figures: ComparisonFigures
    let measured: MeasuredCosts
    let explorer: OrderExplorer
    private let options: CompareOptions
    private let arguments: [String]

    /// - Parameter arguments: that the command was given, so that the page tells how to repeat it.
    /// - Throws: when the orders cannot be written as JSON.
    init(_ figures: ComparisonFigures, _ options: CompareOptions, arguments: [String]) throws(CommandError) {
        self.figures = figures
        measured = MeasuredCosts(figures.candidates)
        let orders = PageOrders(comparing: figures.candidates.map(\.plan.schedule))
        explorer = try OrderExplorer(orders, measured.costs, isOfStage: false)
        self.options = options
        self.arguments = arguments
    }

    var text: String {
        let content: Markup = [title, speeds, breakdown, whatIf, idle, gantt, orders, definitions]
        let model = plan.configuration.model.name
        return Page.text(
            title: "ppthreads compare: \(model), P=\(plan.schedule.ranks)", content, style: OrderExplorer.style,
            scripts: explorer.scripts)
    }

    var candidates: [CandidateFigures] { figures.candidates }
    var hasIntervals: Bool { figures.comparison.hasIntervals }
    private var plan: RunPlan { candidates[0].plan }

    // MARK: Title

    private static let question = "Which schedule, which transport, and where does the step go?"

    private var title: Markup {
        let sentences = CompareVerdict(figures).sentences
        return .element(
            "header", [:],
            [
                .element("h1", [:], Markup(Self.question)), Page.facts(facts), Page.command("compare", arguments),
                Markup(sentences.map { .element("p", ["class": "verdict"], Markup($0)) }),
                Markup(
                    CompareNotes(figures, orderNotes: options.orderNotes, expecting: options.expectedLink).lines.map {
                        .element("p", ["class": "note"], Page.prose("Note: \($0)."))
                    }),
            ])
    }

    private var facts: [(name: String, value: String)] {
        let configuration = plan.configuration
        let threads = configuration.threadsPerRank
        return [
            ("Model", configuration.model.name),
            ("P, ranks", "\(plan.schedule.ranks)\(threads > 1 ? " of \(threads) threads" : "")"),
            ("M, microbatches", "\(plan.schedule.microbatches)"), ("Partition", configuration.partition.title),
            ("Layout", CompareLayouts(figures).texts.joined(separator: "; ")),
            ("SIMD", configuration.simd.rawValue), ("Matrix products", configuration.blas?.path ?? "builtin"),
            ("Trials", "\(options.trials) of \(counted(options.run.measure, "step")) each"),
            ("Date", Date.now.formatted(.iso8601)),
        ]
    }

    // MARK: Speeds

    private var speeds: Markup {
        let base = figures.base
        let header = [
            "schedule", "transport", "tokens/s", "x threads", "x \(base.name)", "efficiency", "hand-off, µs", "asleep",
        ]
        let rows = candidates.map { candidate -> Markup in
            let transport = candidate.transport.rawValue
            let name = Page.rowHead(candidate.schedule, settings: [transport], brief: transport)
            let cells = [
                Page.cell(candidate.tokensPerSecond) { $0.grouped }, ratio(candidate.overThreads),
                ratio(base.ratio(candidate)), Page.cell(candidate.efficiency, \.percent),
                candidate.handoffSeconds.map { Page.cell($0) { ($0 * 1e6).fixed(2) } } ?? Page.noFigure,
                Page.cell(candidate.parkedShare) { "\(($0 * 100).fixed(0)) %" },
            ]
            return .element("tr", [:], Markup([name] + cells))
        }
        return Page.section(
            "speeds", "How fast",
            Page.table(
                caption, header, rows, settings: 1, footer: baseline(header.count), sortable: true))
    }

    private var caption: Markup {
        hasIntervals ? "With \(CompareNotes.intervals(figures))" : "Without intervals: \(figures.comparison.fewTrials)"
    }

    private func baseline(_ columns: Int) -> Markup {
        let name = Page.rowHead(Term.oneStage.name, settings: ["no pipeline"], brief: "no pipeline")
        let speed = Page.cell(figures.oneStageTokensPerSecond) { $0.grouped }
        let rest = Array(repeating: Page.noFigure, count: columns - 3)
        return .element("tr", [:], Markup([name, speed] + rest))
    }

    private func ratio(_ ratio: CandidateFigures.Ratio?) -> Markup {
        guard let ratio else { return Page.noFigure }
        if ratio.isToItself { return .element("td", ["data-value": "1"], "1") }
        return Page.cell(ratio.estimate) { $0.fixed(3) }
    }

    // MARK: What if

    private var whatIf: Markup {
        let header = ["candidate", "measured", "free transport", "equal stages", "both"]
        let rows = candidates.map { candidate -> Markup in
            let (step, other) = (candidate.stepSeconds, candidate.whatIf)
            let changed = [other.freeTransport, other.equalStages, other.both].map { seconds -> Markup in
                let change = (seconds / step.value - 1) * 100
                return cell(seconds, "\(change > 0 ? "+" : "")\(change.fixed(1)) %")
            }
            let measured = cell(step.value, Page.interval(step))
            return .element("tr", [:], Markup([Page.rowHeader(candidate.name), measured] + changed))
        }
        return Page.section(
            "what-if", "What the step would be",
            Page.table("The step in ms as measured, and what replays of the measured durations say", header, rows))
    }

    private func cell(_ seconds: Double, _ note: String) -> Markup {
        .element("td", [:], ["\((seconds * 1000).fixed(2))", .element("small", [:], Markup(note))])
    }
}

extension String {
    /// The text in one line, however narrow the page is.
    var unbroken: String { replacing(" ", with: "\u{A0}") }
}
