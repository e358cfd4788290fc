import FoundationEssentials
import Pipeline

/// A comparison as a page: one file that needs no other and no network, and that can be read without its script.
struct ComparePage {
    let comparison: Comparison
    private let options: CompareOptions
    private let arguments: [String]

    /// - Parameter arguments: that the command was given, so that the page tells how to repeat it.
    init(_ comparison: Comparison, _ options: CompareOptions, arguments: [String]) {
        self.comparison = comparison
        self.options = options
        self.arguments = arguments
    }

    var text: String {
        let content: Markup = [title, speeds, breakdown, whatIf, gantt, definitions]
        return Markup.document(head: head, body: [Self.patterns, .element("main", [:], content), Self.script])
    }

    var places: Range<Int> { comparison.candidates.indices }

    func name(_ place: Int) -> String {
        let candidate = comparison.candidates[place]
        return "\(candidate.schedule.title) on \(candidate.transport.rawValue)"
    }

    private var plan: RunPlan { comparison.candidates[0].plan }

    // MARK: Title

    private static let question = "Which schedule, which transport, and where does the step go?"

    /// The policy forbids the page whatever would need a network.
    private var head: Markup {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        return [
            .void("meta", ["charset": "utf-8"]),
            .void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            .void("meta", ["http-equiv": "Content-Security-Policy", "content": policy]),
            .void("meta", ["name": "color-scheme", "content": "light dark"]),
            .element("title", [:], "ppthreads compare: \(plan.configuration.model.name), P=\(plan.schedule.ranks)"),
            Self.style,
        ]
    }

    private var title: Markup {
        let verdict = CompareVerdict(comparison)
        return .element(
            "header", [:],
            [
                .element("h1", [:], Markup(Self.question)), .element("dl", ["class": "facts"], Markup(facts)),
                .element("pre", [:], .element("code", [:], Markup(command))),
                .element("p", ["class": "verdict"], Markup(verdict.transport)),
                .element("p", ["class": "verdict"], Markup(verdict.schedule)),
                plan.placement.note.map { .element("p", ["class": "note"], "Note: \($0).") } ?? [],
            ])
    }

    private var facts: [Markup] {
        let configuration = plan.configuration
        let threads = configuration.threadsPerRank
        return [
            ("Model", configuration.model.name),
            ("P, ranks", "\(plan.schedule.ranks)\(threads > 1 ? " of \(threads) threads" : "")"),
            ("M, microbatches", "\(plan.schedule.microbatches)"), ("Partition", configuration.partition.rawValue),
            ("SIMD", configuration.simd.rawValue), ("Matrix products", configuration.blas?.path ?? "builtin"),
            ("Trials", "\(options.trials) of \(options.run.measure) steps each"),
            ("Date", Date.now.formatted(.iso8601)),
        ].map { name, value in
            .element("div", [:], [.element("dt", [:], Markup(name)), .element("dd", [:], Markup(value))])
        }
    }

    /// In a form that a shell takes as one word for each argument.
    private var command: String {
        let words = arguments.map { word in
            let isPlain = !word.isEmpty && word.utf8.allSatisfy { Self.plain.contains($0) }
            return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
        }
        return (["ppthreads", "compare"] + words).joined(separator: " ")
    }

    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,./:+@%".utf8)

    // MARK: Speeds

    private var speeds: Markup {
        let header = ["schedule", "transport", "tokens/s", "x threads", "x GPipe", "efficiency", "hand-off, µs"]
        let rows = places.map { place -> Markup in
            let candidate = comparison.candidates[place]
            let names = [rowHeader(candidate.schedule.title), textCell(candidate.transport.rawValue)]
            let figures = [
                cell(comparison.tokensPerSecond(place)) { Int($0.rounded()).grouped },
                ratio(place, over: comparison.place(candidate.schedule, .threads)),
                ratio(place, over: comparison.place(.gpipe, candidate.transport)),
                cell(comparison.efficiency(place)) { "\(($0 * 100).fixed(1)) %" },
                comparison.handoffSeconds(place).map { cell($0) { ($0 * 1e6).fixed(2) } } ?? Self.noFigure,
            ]
            return .element("tr", [:], Markup(names + figures))
        }
        return section(
            "speeds", "How fast",
            table("With 95\u{A0}% intervals", header, rows, footer: baseline(header.count), sortable: true))
    }

    private func baseline(_ columns: Int) -> Markup {
        let names = [rowHeader("one stage"), textCell("no pipeline")]
        let figures = [cell(comparison.oneStageTokensPerSecond) { Int($0.rounded()).grouped }]
        let rest = Array(repeating: Self.noFigure, count: columns - names.count - figures.count)
        return .element("tr", [:], Markup(names + figures + rest))
    }

    private static let noFigure = Markup.element("td", ["data-value": ""], "-")

    private func ratio(_ place: Int, over other: Int?) -> Markup {
        guard let other else { return Self.noFigure }
        if other == place { return .element("td", ["data-value": "1"], "1") }
        return cell(comparison.ratio(place, over: other)) { $0.fixed(3) }
    }

    private func textCell(_ text: String) -> Markup { .element("td", ["class": "text"], Markup(text)) }

    private func cell(_ estimate: Estimate, _ format: (Double) -> String) -> Markup {
        .element(
            "td", ["data-value": "\(estimate.value)"],
            [
                Markup(format(estimate.value)),
                .element("small", [:], "[\(format(estimate.low)), \(format(estimate.high))]"),
            ])
    }

    // MARK: What if

    private var whatIf: Markup {
        let header = ["candidate", "measured", "free transport", "equal stages", "both"]
        let rows = places.map { place -> Markup in
            let step = comparison.stepSeconds(place)
            let other = comparison.whatIf(place)
            let changed = [other.freeTransport, other.equalStages, other.both].map { seconds -> Markup in
                let change = (seconds / step.value - 1) * 100
                return cell(seconds, "\(change > 0 ? "+" : "")\(change.fixed(1)) %")
            }
            let measured = cell(step.value, interval(step, 1000, 2))
            return .element("tr", [:], Markup([rowHeader(name(place)), measured] + changed))
        }
        return section(
            "what-if", "What the step would be",
            table("The step in ms as measured, and what replays of the measured durations say", header, rows))
    }

    private func cell(_ seconds: Double, _ note: String) -> Markup {
        .element("td", [:], ["\((seconds * 1000).fixed(2))", .element("small", [:], Markup(note))])
    }

    // MARK: Parts

    func section(_ id: String, _ title: Markup, _ content: Markup) -> Markup {
        .element("section", ["aria-labelledby": id], [.element("h2", ["id": id], title), content])
    }

    func rowHeader(_ text: String) -> Markup { .element("th", ["scope": "row"], Markup(text)) }

    func table(
        _ caption: Markup, _ header: [String], _ rows: [Markup], footer: Markup? = nil, sortable: Bool = false
    ) -> Markup {
        let cells = header.map { Markup.element("th", ["scope": "col"], Markup($0)) }
        let parts: Markup = [
            .element("caption", [:], caption), .element("thead", [:], .element("tr", [:], Markup(cells))),
            .element("tbody", [:], Markup(rows)), footer.map { .element("tfoot", [:], $0) } ?? [],
        ]
        let label = header.joined(separator: ", ")
        return .element(
            "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": label],
            .element("table", sortable ? ["class": "sortable"] : [:], parts))
    }

    /// Each class of the style sheet with what it stands for.
    func legend(_ entries: [(style: String, title: Markup)]) -> Markup {
        .element(
            "ul", ["class": "legend"], Markup(entries.map { .element("li", [:], [key($0.style), $0.title]) }))
    }

    func key(_ style: String) -> Markup {
        .element(
            "svg", ["class": "key", "width": "14", "height": "14", "aria-hidden": "true"],
            .rectangle(style, x: "0", y: 0, width: "14", height: 14))
    }

    func interval(_ estimate: Estimate, _ scale: Double, _ digits: Int) -> String {
        "[\((estimate.low * scale).fixed(digits)), \((estimate.high * scale).fixed(digits))]"
    }
}

extension String {
    /// The text in one line, however narrow the page is.
    var unbroken: String { replacing(" ", with: "\u{A0}") }
}
