// SPDX-License-Identifier: Apache-2.0

import Pipeline

/// What all pages have in common: one file that needs no other and no network, and that can be read without its script.
package enum Page {
    /// - Parameters:
    ///   - style: what this page has besides the common one.
    ///   - scripts: likewise; they run after the common one.
    package static func text(
        title: Markup, _ content: Markup, style: Markup = [], scripts: Markup = []
    ) -> String {
        Markup.document(
            head: [head(title), style], body: [patterns, .element("main", [:], content), script, scripts])
    }

    /// The policy forbids the page whatever would need a network.
    private static func head(_ title: Markup) -> Markup {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        return [
            .void("meta", ["charset": "utf-8"]),
            .void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            .void("meta", ["http-equiv": "Content-Security-Policy", "content": policy]),
            .void("meta", ["name": "color-scheme", "content": "light dark"]), .element("title", [:], title), style,
            SchedulePalette.style, SchedulePalette.darkStyle,
        ]
    }

    // MARK: Text

    static func facts(_ facts: [(name: String, value: String)]) -> Markup {
        let entries = facts.map { name, value -> Markup in
            .element("div", [:], [.element("dt", [:], Markup(name)), .element("dd", [:], Markup(value))])
        }
        return .element("dl", ["class": "facts"], Markup(entries))
    }

    /// The command that repeats this, in a form that a shell takes as one word for each argument.
    static func command(_ name: String, _ arguments: [String]) -> Markup {
        let words = arguments.map { word in
            let isPlain = !word.isEmpty && word.utf8.allSatisfy { plain.contains($0) }
            return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
        }
        let text = (["ppthreads", name] + words).joined(separator: " ")
        return .element("pre", [:], .element("code", [:], Markup(text)))
    }

    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,./:+@%".utf8)

    static func section(_ id: String, _ title: Markup, _ content: Markup) -> Markup {
        .element("section", ["aria-labelledby": id], [.element("h2", ["id": id], title), content])
    }

    static func definition(_ name: Markup, _ meaning: Markup) -> Markup {
        .element("div", [:], [.element("dt", [:], name), .element("dd", [:], meaning)])
    }

    static func definition(_ term: Breakdown.Term) -> Markup {
        definition([key(term.rawValue), "\(term.rawValue)"], "\(term.meaning.asSentence)")
    }

    // MARK: Tables

    /// - Parameter texts: how many columns, from the left, hold text.
    static func table(
        _ caption: Markup, _ header: [String], _ rows: [Markup], texts: Int = 1, footer: Markup? = nil,
        sortable: Bool = false
    ) -> Markup {
        let cells = header.enumerated().map { column, name -> Markup in
            .element("th", column < texts ? ["scope": "col", "class": "text"] : ["scope": "col"], Markup(name))
        }
        let parts: Markup = [
            .element("caption", [:], caption), .element("thead", [:], .element("tr", [:], Markup(cells))),
            .element("tbody", [:], Markup(rows)), footer.map { .element("tfoot", [:], $0) } ?? [],
        ]
        let label = header.joined(separator: ", ")
        return .element(
            "div",
            [
                "class": rows.count > 30 ? "scroll tall" : "scroll", "tabindex": "0", "role": "region",
                "aria-label": label,
            ],
            .element("table", sortable ? ["class": "sortable"] : [:], parts))
    }

    static func rowHeader(_ text: String) -> Markup { .element("th", ["scope": "row"], Markup(text)) }

    static func textCell(_ text: String) -> Markup { .element("td", ["class": "text"], Markup(text)) }

    /// A figure with its interval, if it has one.
    static func cell(_ estimate: Estimate, _ format: (Double) -> String) -> Markup {
        .element(
            "td", ["data-value": "\(estimate.value)"],
            [
                Markup(format(estimate.value)),
                estimate.brackets(format).map { .element("small", [:], Markup($0)) } ?? [],
            ])
    }

    static let noFigure = Markup.element("td", ["data-value": ""], "-")

    /// In milliseconds; empty without an interval.
    static func interval(_ seconds: Estimate) -> String { seconds.brackets { ($0 * 1000).fixed(2) } ?? "" }

    // MARK: Legends

    /// Each class of the style sheet with what it stands for.
    static func legend(_ entries: [(style: String, title: Markup)]) -> Markup {
        .element(
            "ul", ["class": "legend"], Markup(entries.map { .element("li", [:], [key($0.style), $0.title]) }))
    }

    static func key(_ style: String) -> Markup {
        .element(
            "svg", ["class": "key", "width": "14", "height": "14", "aria-hidden": "true"],
            .rectangle(style, x: "0", y: 0, width: "14", height: 14))
    }
}

extension String {
    /// With a capital letter and a full stop.
    fileprivate var asSentence: String { prefix(1).uppercased() + dropFirst() + "." }
}
